package dev.sealbuf.client;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.ViewsInUseException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/// A slab or a catalog segment, mapped while it is current or an open buffer lies in it.
///
/// **Why it is counted.** The memory of a retired segment goes back to the system when its last
/// mapping ends. An automatic arena would leave that to the garbage collector, and a process that
/// sleeps collects nothing: each slab it once read from would stay, 2 MiB, for hours. Asking for a
/// collection is no way out, since it stops the program that uses this library for as long as its
/// heap is large. So every buffer that is open counts itself in ([#hold]), one atomic addition a
/// get; when the daemon retires the segment this is let go of, and whoever is the last one out
/// unmaps, at once. A buffer that its user forgot to close keeps the segment until the collector
/// finds that neither it nor a view of it can be reached: see [Mapping].
///
/// **Why reading without holding is safe.** Ending a shared arena makes all threads agree, which
/// costs 20 to 60 us and is paid once a segment, not once a buffer. From then on a load is an
/// `IllegalStateException`, never another's memory; [CatalogReader] reads tables so and looks
/// again.
///
/// | state | hold | release | let go |
/// |---|---|---|---|
/// | current, n open | n + 1 | n - 1 | leaving, or ended when n = 0 |
/// | leaving, n open | refused | n - 1, ended with the last | nothing |
/// | ended | refused | - | nothing |
final class SharedMapping implements Hold {
  /// The sign bit of the state; the other bits count open buffers.
  private static final int LEAVING = Integer.MIN_VALUE;

  private final Mapping mapping;
  private final MemorySegment segment;
  private final AtomicInteger state = new AtomicInteger(1);

  private SharedMapping(Mapping mapping) {
    this.mapping = mapping;
    this.segment = mapping.segment();
  }

  /// Maps a segment that came with a reply, held once for the caller.
  static SharedMapping map(Fd fd, long bytes) {
    return new SharedMapping(Segments.mapShared(fd, bytes));
  }

  /// The bytes; a load is an `IllegalStateException` once this has ended.
  MemorySegment segment() {
    return segment;
  }

  boolean isMapped() {
    return segment.scope().isAlive();
  }

  /// Whether this was let go of.
  boolean isLeaving() {
    return state.get() < 0;
  }

  /// Keeps this mapped until [#release]; false when it is too late.
  boolean hold() {
    if (state.getAndIncrement() >= 0) {
      return true;
    }
    release();
    return false;
  }

  @Override
  public void release() {
    if (state.decrementAndGet() == LEAVING) {
      end();
    }
  }

  /// Ends this as soon as nobody holds it, and lets nobody hold it any more.
  void letGo() {
    if (state.getAndUpdate(now -> now | LEAVING) == 0) {
      end();
    }
  }

  private void end() {
    try {
      mapping.close();
    } catch (ViewsInUseException _) {
      // A thread is inside a system call on a view of a buffer that was closed meanwhile: the
      // collector unmaps when it cannot be reached any more.
    }
  }

  @Override
  public String toString() {
    int now = state.get();
    return "SharedMapping[%s open=%d%s]"
        .formatted(mapping, now & ~LEAVING, now < 0 ? " leaving" : "");
  }
}
