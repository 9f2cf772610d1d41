package dev.sealbuf.client;

import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.memory.Seals;
import dev.sealbuf.protocol.Reply;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Maps, or fills, what the daemon sent, after a look at it: a segment must carry the seals of its
/// kind and have exactly the size that was stated. Only then can neither writers nor a truncation
/// (SIGBUS) reach who reads it.
final class Segments {
  /// Slabs and catalog segments, from birth.
  private static final Seals SHARED =
      Seals.of(Seals.FUTURE_WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);

  /// A dedicated segment that is published.
  private static final Seals PUBLISHED =
      Seals.of(Seals.WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);

  /// A dedicated segment that is lent to its producer.
  private static final Seals LENT = Seals.of(Seals.SHRINK, Seals.GROW);

  /// Mappings of Sealbuf in this process. The kernel allows 65 530 of all kinds, and a JVM that
  /// runs out of them aborts; a quarter leaves room for everybody else.
  static final int MAPPINGS_MAX = 16_384;

  private Segments() {}

  /// A slab or a catalog segment.
  static Mapping mapShared(Fd fd, long bytes) {
    return map(fd, bytes, SHARED, () -> Mapping.readOnly(fd, bytes));
  }

  /// A published dedicated segment.
  static Mapping mapPublished(Fd fd, long bytes) {
    return map(fd, bytes, PUBLISHED, () -> Mapping.readOnly(fd, bytes));
  }

  /// A loan is at least as long as the buffer it is for.
  static void requireLength(Reply.Lent loan) {
    if (loan.nbytes() > loan.segmentBytes()) {
      throw new ProtocolException(
          "segment shorter than the buffer: segment_bytes=%d nbytes=%d"
              .formatted(loan.segmentBytes(), loan.nbytes()));
    }
  }

  /// Writes data to the beginning of a lent segment, without mapping it.
  static void writeLent(Fd fd, long bytes, MemorySegment data) {
    try {
      check(fd, bytes, LENT);
      Memfd.write(fd, data);
    } catch (IOException e) {
      throw unusable("written", e);
    }
  }

  /// A lent segment, for writing.
  static Mapping mapLent(Fd fd, long bytes) {
    return map(fd, bytes, LENT, () -> Mapping.readWrite(fd, bytes));
  }

  @FunctionalInterface
  private interface Map<R> {
    R map() throws IOException;
  }

  private static <R> R map(Fd fd, long bytes, Seals required, Map<R> how) {
    try {
      check(fd, bytes, required);
      requireMappingsLeft();
      return how.map();
    } catch (PosixException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw new TooManyMappingsException("the kernel maps no more: error=" + e.getMessage());
      }
      throw unusable("mapped", e);
    } catch (IOException e) {
      throw unusable("mapped", e);
    }
  }

  private static void check(Fd fd, long bytes, Seals required) throws IOException {
    Seals seals = Memfd.seals(fd);
    if (!seals.contains(required)) {
      throw new ProtocolException(
          "segment without its seals: seals=%s required=%s".formatted(seals, required));
    }
    long size = Memfd.stat(fd).bytes();
    if (size != bytes || bytes == 0) {
      throw new ProtocolException(
          "segment of another size than stated: bytes=%d stated=%d".formatted(size, bytes));
    }
  }

  private static void requireMappingsLeft() {
    if (Mapping.live() >= MAPPINGS_MAX) {
      throw new TooManyMappingsException(
          "too many segments mapped in this process: mappings=%d max=%d"
              .formatted(Mapping.live(), MAPPINGS_MAX));
    }
  }

  private static ProtocolException unusable(String done, IOException cause) {
    ProtocolException unusable =
        new ProtocolException("segment cannot be %s: error=%s".formatted(done, cause.getMessage()));
    unusable.initCause(cause);
    return unusable;
  }
}
