package dev.sealbuf.server.segment;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.HugePages;
import dev.sealbuf.memory.Memfd;
import java.io.IOException;

/// Fresh memory that becomes a dedicated segment, and of which nobody but the daemon has a
/// descriptor until then. It has no seals yet, so it can still be cut.
public final class PreparedMemory implements AutoCloseable {
  private final long number;
  private final long bytes;
  private final long hugePageBytes;
  private final Fd fd;

  private PreparedMemory(long number, long bytes, long hugePageBytes, Fd fd) {
    this.number = number;
    this.bytes = bytes;
    this.hugePageBytes = hugePageBytes;
    this.fd = fd;
  }

  /// Makes zeroed memory without holes. On a worker: 60 ms a GiB in huge pages, ten times that in
  /// small ones, or where huge pages come slowly.
  ///
  /// @param number of the segment that it becomes
  public static PreparedMemory make(long number, long bytes) throws IOException {
    Fd fd = Memfd.create("sealbuf-" + number);
    try {
      Memfd.resize(fd, bytes);
      return new PreparedMemory(number, bytes, HugePages.prepare(fd, bytes), fd);
    } catch (IOException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  public long bytes() {
    return bytes;
  }

  public long hugePageBytes() {
    return hugePageBytes;
  }

  /// Makes a segment of its first bytes, whose size is fixed from then on. This ends here.
  public DedicatedSegment become(long needed) throws IOException {
    try (fd) {
      if (needed < bytes) {
        Memfd.resize(fd, needed);
      }
      Memfd.addSeals(fd, DedicatedSegment.LENT);
      long huge = Math.min(hugePageBytes, DedicatedSegment.wholeHugePages(needed));
      return new DedicatedSegment(number, needed, huge, Memfd.reopenReadOnly(fd));
    }
  }

  /// Gives the memory back: on a worker.
  @Override
  public void close() {
    fd.close();
  }

  @Override
  public String toString() {
    return "PreparedMemory[" + number + " bytes=" + bytes + "]";
  }
}
