package dev.sealbuf.client;

import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.memory.Seals;
import java.io.IOException;

/// Maps what the daemon sent, after a look at it: a segment must carry the seals of its kind and
/// have exactly the size that was stated. Only then can neither writers nor a truncation (SIGBUS)
/// reach who reads it.
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
      return how.map();
    } catch (PosixException e) {
      if (e.errno() == Errno.ENOMEM) {
        throw new TooManyMappingsException("the kernel maps no more: error=" + e.getMessage());
      }
      throw unusable(e);
    } catch (IOException e) {
      throw unusable(e);
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
    if (Mapping.live() >= MAPPINGS_MAX) {
      throw new TooManyMappingsException(
          "too many segments mapped in this process: mappings=%d max=%d"
              .formatted(Mapping.live(), MAPPINGS_MAX));
    }
  }

  private static ProtocolException unusable(IOException cause) {
    ProtocolException unusable =
        new ProtocolException("segment cannot be mapped: error=" + cause.getMessage());
    unusable.initCause(cause);
    return unusable;
  }
}
