package dev.sealbuf.server.segment;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.HugePages;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.Seals;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Memory that the daemon alone writes and everybody may map: a slab or a catalog segment.
///
/// The daemon's writable mapping is made first and the seals are added then: from that moment on no
/// process of any uid, this one included, can get another, nor change the size, nor take the seals
/// away. Nobody else has had a descriptor before.
///
/// Two mappings of the same pages: the one to write can end while the one to read goes on.
public final class DaemonSegment implements AutoCloseable {
  /// What a reader finds on it, EXEC aside.
  public static final Seals SEALS =
      Seals.of(Seals.FUTURE_WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);

  private final long bytes;
  private final long hugePageBytes;
  private final Fd description;
  private final Mapping writing;
  private final Mapping reading;

  private DaemonSegment(
      long bytes, long hugePageBytes, Fd description, Mapping writing, Mapping reading) {
    this.bytes = bytes;
    this.hugePageBytes = hugePageBytes;
    this.description = description;
    this.writing = writing;
    this.reading = reading;
  }

  /// Makes zeroed memory, without holes. Some 0.1 ms for a slab.
  ///
  /// @param name for people who read `/proc/PID/maps`
  /// @param bytes whole pages
  public static DaemonSegment create(String name, long bytes) throws IOException {
    try (Fd fd = Memfd.create(name)) {
      Memfd.resize(fd, bytes);
      long hugePageBytes = HugePages.prepare(fd, bytes);
      Mapping writing = Mapping.readWrite(fd, bytes);
      try {
        Memfd.addSeals(fd, SEALS);
        return share(fd, bytes, hugePageBytes, writing);
      } catch (IOException | RuntimeException e) {
        writing.close();
        throw e;
      }
    }
  }

  private static DaemonSegment share(Fd fd, long bytes, long hugePageBytes, Mapping writing)
      throws IOException {
    Fd description = Memfd.reopenReadOnly(fd);
    try {
      Mapping reading = Mapping.readOnly(description, bytes);
      return new DaemonSegment(bytes, hugePageBytes, description, writing, reading);
    } catch (IOException | RuntimeException e) {
      description.close();
      throw e;
    }
  }

  public long bytes() {
    return bytes;
  }

  public long hugePageBytes() {
    return hugePageBytes;
  }

  /// The bytes to read; to be kept, since asking takes a lock.
  public MemorySegment readable() {
    return reading.segment();
  }

  /// The bytes to write; to be kept, since asking takes a lock.
  public MemorySegment writable() {
    return writing.segment();
  }

  /// The only mapping there can ever be that is writable. Who closes it before this is closed ends
  /// all writing.
  public Mapping writingMapping() {
    return writing;
  }

  /// The description that is kept.
  Fd description() {
    return description;
  }

  /// A fresh description to read, for a peer.
  public Fd freshReadOnly() throws IOException {
    return Memfd.reopenReadOnly(description);
  }

  /// Ends both mappings.
  void unmap() {
    writing.close();
    reading.close();
  }

  @Override
  public void close() {
    unmap();
    description.close();
  }
}
