package dev.sealbuf.client;

import net.openhft.chronicle.bytes.Bytes;

/// Chronicle [Bytes] over shared memory, for programs that have Chronicle Bytes on their class
/// path; this library does without.
///
/// ```java
/// ChronicleBytes.of(writer).writeUtf8("EURUSD").writeDouble(1.0842);
/// ```
///
/// **Safe.** Every read and write, relative or at an absolute offset, is checked against the bounds
/// of the buffer, its end, and whether it may be written; so none can end the JVM, which
/// Chronicle's own stores over raw memory can. Relative ones past the end are a
/// `BufferUnderflowException` or a `BufferOverflowException`, absolute ones an
/// `IndexOutOfBoundsException`. There is no raw address to be had: `addressForRead` is an
/// `UnsupportedOperationException`, and Chronicle copies by the byte or the `long` where it would
/// use one.
///
/// **Lifetime.** Bytes of a [BufferWriter] end with its seal or abort, as all its views do; a use
/// afterwards is an `IllegalStateException`. Bytes of a [SealedBuffer] stay readable for as long as
/// they can be reached, even after its close; until the garbage collector finds that they cannot,
/// they keep the memory of the buffer.
///
/// **Threads.** Bytes have positions, so they are for one thread; make others for others.
///
/// **Flags.** Chronicle Bytes itself reaches into the JDK. On JDK 25 it is silent with
/// `--sun-misc-unsafe-memory-access=allow --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
/// --add-exports=java.base/jdk.internal.ref=ALL-UNNAMED
/// --add-exports=java.base/sun.nio.ch=ALL-UNNAMED` and prints warnings without.
public final class ChronicleBytes {
  private ChronicleBytes() {}

  /// Bytes to write a buffer in place: empty, with room for all of it and no more.
  ///
  /// @throws ClosedException when the writer has sealed or was aborted
  public static Bytes<Void> of(BufferWriter writer) {
    return new SegmentBytesStore(writer.segment()).bytesForWrite();
  }

  /// Bytes to read a buffer: all of them from the first one on, and no room to write.
  ///
  /// @throws ClosedException when the buffer is closed
  public static Bytes<Void> of(SealedBuffer buffer) {
    return new SegmentBytesStore(buffer.pin()).bytesForRead();
  }
}
