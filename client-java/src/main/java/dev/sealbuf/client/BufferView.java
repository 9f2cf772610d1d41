package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.NameHash;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One name, read again and again: for a loop that wants whatever is published under it now, and
/// nothing to do for the garbage collector.
///
/// ```java
/// try (BufferView model = store.view("model")) {
///   while (hasWork()) {
///     if (model.refresh()) {
///       work(model.segment());
///     }
///   }
/// }
/// ```
///
/// **Cost.** A [#refresh] that finds the same buffer as before loads four words of shared memory
/// and their neighbours; it makes no system call and allocates nothing, and [#segment] is the same
/// object as before. Only when another buffer has the name, the daemon moved this one, or it found
/// no room for the name in the catalog (`spilled` in the statistics), is it opened as [Sealbuf#get]
/// does.
///
/// **Threads.** For one at a time; what [#segment] returned may be read by any, until this shows
/// another buffer or is closed.
public final class BufferView implements AutoCloseable {
  private final Sessions sessions;
  private final String name;
  private final byte[] utf8;
  private final int hash;
  private final Duration timeout;
  private @Nullable Session session;
  private @Nullable SealedBuffer buffer;
  private long word;
  private boolean closed;

  BufferView(Sessions sessions, String name, Duration timeout) {
    this.sessions = sessions;
    this.name = name;
    this.utf8 = Checked.utf8(name);
    this.hash = NameHash.of(utf8);
    this.timeout = timeout;
  }

  /// Has this show the buffer that the name has now; what was shown before is closed if it is
  /// another one.
  ///
  /// @return false when there is none; then this shows nothing
  /// @throws StillMappedException when a thread is inside a call on what was shown before; nothing
  ///   has changed
  public boolean refresh() {
    if (buffer != null
        && !closed
        && sessions.current() == session
        && session.isCurrent(hash, word)) {
      return true;
    }
    return look();
  }

  private boolean look() {
    if (closed) {
      throw new ClosedException("the view is closed: name=" + name);
    }
    Deadline deadline = Deadline.after(timeout);
    Optional<Opened> found =
        sessions.read(
            deadline,
            from -> from.opener().look(name, utf8, deadline).map(place -> new Opened(from, place)));
    found.ifPresentOrElse(this::show, this::showNothing);
    return found.isPresent();
  }

  private record Opened(Session session, BufferOpener.Current current) {}

  private void show(Opened opened) {
    SealedBuffer fresh = opened.current.buffer();
    try {
      showNothing();
    } catch (RuntimeException e) {
      fresh.close();
      throw e;
    }
    session = opened.session;
    word = opened.current.word();
    buffer = fresh;
  }

  private void showNothing() {
    if (buffer != null) {
      buffer.close();
      buffer = null;
    }
  }

  /// What this shows, with shape, version and all; this closes it, not its user.
  ///
  /// @throws NotFoundException when this shows nothing
  public SealedBuffer buffer() {
    if (closed) {
      throw new ClosedException("the view is closed: name=" + name);
    }
    if (buffer == null) {
      throw new NotFoundException("the view shows nothing: name=" + name);
    }
    return buffer;
  }

  /// The bytes of what this shows, read-only; the same object until a refresh opens another one.
  ///
  /// @throws NotFoundException when this shows nothing
  public MemorySegment segment() {
    return buffer().segment();
  }

  public String name() {
    return name;
  }

  /// Closes what this shows. Does nothing when this is closed already.
  ///
  /// @throws StillMappedException when a thread is inside a call on it; nothing has changed
  @Override
  public void close() {
    showNothing();
    closed = true;
  }

  @Override
  public String toString() {
    return "BufferView[name=%s shows=%s%s]".formatted(name, buffer, closed ? " closed" : "");
  }
}
