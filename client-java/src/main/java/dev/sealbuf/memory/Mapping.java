package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;

/// Memory of a file, mapped shared, with one owner.
///
/// **Two ends.** A mapping ends when its owner closes it; every view ends with it, and using one
/// afterwards is an `IllegalStateException`, from any thread, never a crash. Closing makes all
/// threads agree, which takes 20 to 60 us. One that its owner forgot is unmapped some time after
/// neither it nor a view or slice can be reached any more.
///
/// **Views end before pages change hands.** Storing through an address whose page has become
/// read-only ends the JVM. So [#sealReadOnly] first ends the writable views and only then lays the
/// read-only description over the same addresses, and the views from then on are new ones.
///
/// | state | sealReadOnly | abandon | close |
/// |---|---|---|---|
/// | WRITABLE | READ_ONLY | ABANDONED | CLOSED |
/// | READ_ONLY | refused | ABANDONED | CLOSED |
/// | ABANDONED | refused | nothing | CLOSED |
/// | CLOSED | refused | refused | nothing |
public final class Mapping implements AutoCloseable {
  private enum State {
    WRITABLE,
    READ_ONLY,
    ABANDONED,
    CLOSED
  }

  private static final Cleaner CLEANER = Cleaner.create();

  /// Unmaps a range when nobody can reach its views any more, unless they ended before.
  private static final class Forgotten implements Runnable {
    private final AddressRange range;
    private final AtomicBoolean ended = new AtomicBoolean();

    private Forgotten(AddressRange range) {
      this.range = range;
    }

    @Override
    public void run() {
      if (!ended.getAndSet(true)) {
        range.unmap();
      }
    }
  }

  /// The views of one state, and what ends them. All of them hold the arena's scope, and so does
  /// the mapping.
  private record Views(Arena arena, MemorySegment all, Forgotten forgotten) {
    static Views of(AddressRange range, long bytes) {
      Arena arena = Arena.ofShared();
      Forgotten forgotten = new Forgotten(range);
      CLEANER.register(arena.scope(), forgotten);
      return new Views(arena, Native.segment(range.address(), bytes, arena, () -> {}), forgotten);
    }
  }

  private final AddressRange range;
  private final long bytes;
  private State state;
  private Views views;

  private Mapping(AddressRange range, long bytes, State state) {
    this.range = range;
    this.bytes = bytes;
    this.state = state;
    this.views = Views.of(range, bytes);
  }

  /// Maps the first `bytes` of a file for reading.
  public static Mapping readOnly(Fd fd, long bytes) throws IOException {
    return new Mapping(AddressRange.map(fd, bytes, Linux.PROT_READ), bytes, State.READ_ONLY);
  }

  /// Maps the first `bytes` of a file for reading and writing.
  public static Mapping readWrite(Fd fd, long bytes) throws IOException {
    int prot = Linux.PROT_READ | Linux.PROT_WRITE;
    return new Mapping(AddressRange.map(fd, bytes, prot), bytes, State.WRITABLE);
  }

  /// How many mappings this process has now. The kernel allows some 65 000 of all kinds, and a JVM
  /// that runs out of them aborts.
  public static int live() {
    return AddressRange.live();
  }

  /// The mapped bytes, for any thread; read-only unless this was mapped for writing and is not
  /// sealed.
  ///
  /// @throws MappingClosedException when this is closed or abandoned
  public synchronized MemorySegment segment() {
    requireMapped();
    return state == State.WRITABLE ? views.all : views.all.asReadOnly();
  }

  public long bytes() {
    return bytes;
  }

  /// Ends all views, lays a read-only description of the same file over the same addresses, and
  /// goes on as a read-only mapping with new views. From then on nothing of this mapping stands in
  /// the way of the WRITE seal.
  ///
  /// If the kernel refuses to map, the range stays reserved without access and this mapping is
  /// abandoned.
  ///
  /// @throws ViewsInUseException when a thread is inside a call on a view; nothing has changed
  public synchronized void sealReadOnly(Fd readOnly) throws IOException {
    requireMapped();
    if (state != State.WRITABLE) {
      throw new IllegalStateException("only a writable mapping is sealed: mapping=" + this);
    }
    endViews();
    try {
      range.layReadOnly(readOnly);
    } catch (IOException | RuntimeException e) {
      state = State.ABANDONED;
      layNothing(e);
      throw e;
    }
    state = State.READ_ONLY;
    views = Views.of(range, bytes);
  }

  private void layNothing(Exception cause) {
    try {
      range.layNothing();
    } catch (PosixException e) {
      cause.addSuppressed(e);
    }
  }

  /// Ends all views and lets go of the file at once, but keeps the addresses: until [#close], a raw
  /// address that somebody kept leads to private memory instead of to whatever is mapped there
  /// next.
  ///
  /// @throws ViewsInUseException when a thread is inside a call on a view; nothing has changed
  public synchronized void abandon() throws IOException {
    if (state == State.ABANDONED) {
      return;
    }
    requireMapped();
    endViews();
    state = State.ABANDONED;
    range.layPrivateMemory();
  }

  /// Ends all views and unmaps. Does nothing when this is closed already.
  ///
  /// @throws ViewsInUseException when a thread is inside a call on a view; nothing has changed
  @Override
  public synchronized void close() {
    if (state == State.CLOSED) {
      return;
    }
    if (state != State.ABANDONED) {
      endViews();
    }
    state = State.CLOSED;
    range.unmap();
  }

  private void requireMapped() {
    if (state == State.ABANDONED || state == State.CLOSED) {
      throw new MappingClosedException(this);
    }
  }

  private void endViews() {
    try {
      views.arena.close();
    } catch (IllegalStateException inUse) {
      throw new ViewsInUseException(this, inUse);
    }
    views.forgotten.ended.set(true);
  }

  @Override
  public synchronized String toString() {
    return "Mapping[" + range + " " + state + "]";
  }
}
