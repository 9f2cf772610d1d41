package dev.sealbuf.memory;

import java.io.IOException;
import java.time.Duration;

/// Puts memory behind a new file, in huge pages where the kernel has them to give.
///
/// Fresh memory in 4 KiB pages comes at 1.4 to 2.2 GB/s, in 2 MiB pages at 15 to 25, and a reader
/// touches it thirty times faster. An ordinary uid gets huge pages for a memory file, whatever the
/// machine's settings for transparent huge pages, by MADV_COLLAPSE (Linux 6.1): the kernel gathers
/// what lies in an aligned range into one huge page. On an empty file it wants one small page to
/// start from; the rest of the huge page comes zeroed.
///
/// So, huge page by huge page: allocate one small page, collapse. Both through this process alone:
/// nobody else may have a descriptor yet, since a collapse under readers delays the WRITE seal.
///
/// What madvise(2) answers, as `madvise_collapse_errno` in the kernel's mm/khugepaged.c assigns it:
///
/// | errno | cause | what is done here |
/// |---|---|---|
/// | EBUSY | the memory cgroup is at its limit; touching is SIGKILL | [MemoryShortException] |
/// | EAGAIN | a page is locked just now | tried again, then this one stays small |
/// | ENOMEM | no free huge page: memory is short or fragmented | small pages from here on |
/// | EINVAL | kernel before 6.1, or `shmem_enabled` is `deny` | small pages from here on |
///
/// In the end the file has no holes: reading one could be charged to a reader, or end it with
/// SIGBUS.
public final class HugePages {
  /// A page that is still locked after this many tries is being held, not passing by.
  private static final int TRIES = 3;

  /// What is not in huge pages by then is put into small ones. Where collapsing is fast this is
  /// enough for 10 GiB and more; in a virtual machine whose host takes free pages back it can be
  /// ten times slower than small pages (6 GiB took 17 to 52 s), and a producer waits for it.
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private HugePages() {}

  /// Puts zeroed memory behind the first `bytes` of a file that has none yet and that nobody else
  /// has a descriptor of. Takes a millisecond for 16 MiB, ten times that without huge pages: on a
  /// worker thread.
  ///
  /// @return how many of the bytes are in huge pages
  /// @throws MemoryShortException when the machine or the memory cgroup has no memory for it; the
  ///   file is to be closed then, since a part of it may be allocated
  public static long prepare(Fd fd, long bytes) throws IOException {
    long huge = PageSizes.huge().orElse(Long.MAX_VALUE);
    long whole = bytes - bytes % huge;
    long collapsed = whole == 0 ? 0 : collapse(fd, whole, huge);
    long from = collapsed == whole ? whole : 0;
    if (from < bytes) {
      Memfd.allocate(fd, from, bytes - from);
    }
    requireNoHoles(fd, bytes);
    return collapsed;
  }

  private static long collapse(Fd fd, long bytes, long huge) throws IOException {
    AddressRange range = AddressRange.map(fd, bytes, Linux.PROT_READ);
    try {
      long collapsed = 0;
      Deadline patience = Deadline.after(PATIENCE);
      for (long offset = 0; offset < bytes && !patience.hasPassed(); offset += huge) {
        Memfd.allocate(fd, offset, PageSizes.base());
        int errno = collapseOne(range.address() + offset, huge);
        switch (errno) {
          case 0 -> collapsed += huge;
          case Errno.EAGAIN -> {} // this one stays small
          case Errno.EBUSY -> throw memoryShort(offset, huge);
          default -> {
            return collapsed;
          }
        }
      }
      return collapsed;
    } finally {
      range.unmap();
    }
  }

  private static int collapseOne(long address, long huge) {
    int errno = Errno.EAGAIN;
    for (int i = 0; i < TRIES && errno == Errno.EAGAIN; i++) {
      errno = -Posix.madvise(address, huge, Linux.MADV_COLLAPSE);
    }
    return errno;
  }

  private static MemoryShortException memoryShort(long offset, long huge) {
    String arguments = "advice=collapse offset=" + offset + " bytes=" + huge;
    return new MemoryShortException(new PosixException("madvise", arguments, Errno.EBUSY));
  }

  private static void requireNoHoles(Fd fd, long bytes) throws IOException {
    Memfd.Stat stat = Memfd.stat(fd);
    if (stat.allocated() < bytes) {
      throw new IOException(
          "a prepared file has no holes: bytes=" + bytes + " allocated=" + stat.allocated());
    }
  }
}
