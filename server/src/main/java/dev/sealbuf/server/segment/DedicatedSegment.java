package dev.sealbuf.server.segment;

import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.PageSizes;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.memory.Seals;
import java.io.IOException;

/// Memory for one buffer, lent to its producer, sealed by the kernel and then shared with
/// everybody.
///
/// The daemon never maps it. It keeps one read-only description; what leaves the daemon is opened
/// afresh from that, because the kernel does not count the description that memfd_create(2)
/// returns, and because a duplicate would share what peers should not (offset, flags).
///
/// **The seal.** F_SEAL_WRITE is the one operation that fails while anybody could still write:
/// through a mapping, a forked copy of one, a page in flight. It is added together with SEAL, on a
/// worker, since it waits up to 164 ms for a pinned page. Then it is looked at what the producer
/// made of the segment meanwhile: it may have added seals of its own, and holes that it punched are
/// filled. Only a segment with exactly the right seals, its size and memory behind all of it is
/// published.
public final class DedicatedSegment implements SharedSegment {
  /// What the producer finds on it, EXEC aside: the size is fixed.
  public static final Seals LENT = Seals.of(Seals.SHRINK, Seals.GROW);

  /// What a reader finds on it, EXEC aside.
  public static final Seals PUBLISHED = Seals.of(Seals.WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);

  private final long number;
  private final long bytes;
  private final long hugePageBytes;
  private final Fd description;

  /// @param description the one that is kept, to read
  DedicatedSegment(long number, long bytes, long hugePageBytes, Fd description) {
    this.number = number;
    this.bytes = bytes;
    this.hugePageBytes = hugePageBytes;
    this.description = description;
  }

  /// The size of a segment for so many bytes: huge pages as far as they are filled, one more for a
  /// rest of at least half a huge page, small pages for a shorter rest. At least one page.
  public static long bytesFor(long nbytes) {
    long huge = PageSizes.huge().orElse(PageSizes.base());
    long rest = nbytes % huge;
    long whole = wholeHugePages(nbytes);
    if (rest >= huge / 2 && huge > PageSizes.base()) {
      return whole + huge;
    }
    return Math.max(whole + PageSizes.roundUp(rest), PageSizes.base());
  }

  /// How many of so many bytes fill huge pages.
  static long wholeHugePages(long nbytes) {
    return nbytes - nbytes % PageSizes.huge().orElse(PageSizes.base());
  }

  /// Makes zeroed memory without holes that its producer can fill but not resize. On a worker.
  public static DedicatedSegment prepare(long number, long bytes) throws IOException {
    return PreparedMemory.make(number, bytes).become(bytes);
  }

  @Override
  public long number() {
    return number;
  }

  @Override
  public long bytes() {
    return bytes;
  }

  @Override
  public SegmentKind kind() {
    return SegmentKind.DEDICATED;
  }

  @Override
  public Fd description() {
    return description;
  }

  /// There is nothing to unmap.
  @Override
  public void unmap() {}

  public long hugePageBytes() {
    return hugePageBytes;
  }

  /// A fresh description to read, for a peer.
  @Override
  public Fd freshReadOnly() throws IOException {
    return Memfd.reopenReadOnly(description);
  }

  /// A fresh description to write, for the producer.
  public Fd freshReadWrite() throws IOException {
    return Memfd.reopenReadWrite(description);
  }

  /// Tries once to make it immutable. Can be repeated, whatever came of it before. On a worker.
  public SealOutcome seal() throws IOException {
    if (!Memfd.seals(description).contains(Seals.SEAL)) {
      try (Fd writable = freshReadWrite()) {
        Memfd.addSeals(writable, Seals.of(Seals.WRITE, Seals.SEAL));
        // Holes that its producer punched would be filled, and charged, by whoever reads them. The
        // count of blocks alone does not tell: a huge page beyond the end makes up for a hole.
        Memfd.allocate(writable, 0, bytes);
      } catch (PosixException e) {
        return refused(e);
      }
    }
    return judge();
  }

  /// EBUSY is the seal's answer; EAGAIN that of the open, when somebody holds a lease on the file.
  private static SealOutcome refused(PosixException failure) throws PosixException {
    return switch (failure.errno()) {
      case Errno.EBUSY, Errno.EAGAIN -> new SealOutcome.StillMapped();
      default -> throw failure;
    };
  }

  private SealOutcome judge() throws IOException {
    Seals seals = Memfd.seals(description);
    if (!seals.isExactly(PUBLISHED)) {
      return new SealOutcome.Spoiled(
          "a segment carries the daemon's seals only: expected=%s found=%s"
              .formatted(PUBLISHED, seals));
    }
    Memfd.Stat stat = Memfd.stat(description);
    if (stat.bytes() != bytes || stat.allocated() < bytes) {
      return new SealOutcome.Spoiled(
          "a segment has no holes: bytes=%d allocated=%d"
              .formatted(stat.bytes(), stat.allocated()));
    }
    return new SealOutcome.Sealed();
  }

  /// May free the memory, if nobody else holds it: on a worker.
  @Override
  public void close() {
    description.close();
  }

  @Override
  public String toString() {
    return "DedicatedSegment[" + number + " bytes=" + bytes + "]";
  }
}
