package dev.sealbuf.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;

/// A range of addresses that shows a file from its beginning; whoever holds it unmaps it, once.
///
/// **Alignment.** The kernel maps a huge page as one only where address and offset are aligned to
/// its size, which mmap(2) by itself hardly ever gives; it decides a factor of five in filling and
/// reading. So a range of at least a huge page is reserved with one huge page to spare, the file is
/// mapped over the aligned part, and the margins are given back: the reservation keeps everybody
/// else out in between, and one mapping is left, not three (a process can have 65 530).
///
/// @param address of the first byte
/// @param bytes whole pages
record AddressRange(long address, long bytes) {
  private static final AtomicInteger LIVE = new AtomicInteger();
  private static final int RESERVED = Linux.MAP_PRIVATE | Linux.MAP_ANONYMOUS | Linux.MAP_NORESERVE;
  private static final int NO_FILE = -1;

  /// Maps the first `bytes` of a file.
  static AddressRange map(Fd fd, long bytes, int prot) throws IOException {
    if (bytes <= 0) {
      throw new IllegalArgumentException("a mapping has at least one byte: bytes=" + bytes);
    }
    requireWithin(fd, bytes);
    long whole = PageSizes.roundUp(bytes);
    OptionalLong huge = PageSizes.huge();
    AddressRange range =
        huge.isPresent() && whole >= huge.getAsLong()
            ? mapAligned(fd, whole, prot, huge.getAsLong())
            : new AddressRange(mapShared(fd, 0, whole, prot, 0), whole);
    LIVE.incrementAndGet();
    return range;
  }

  /// A page beyond the end of its file is an access that ends the process (SIGBUS).
  private static void requireWithin(Fd fd, long bytes) throws IOException {
    long size = Memfd.stat(fd).bytes();
    if (bytes > size) {
      throw new IOException("a mapping ends within its file: bytes=" + bytes + " file=" + size);
    }
  }

  /// How many ranges this process has mapped and not yet unmapped.
  static int live() {
    return LIVE.get();
  }

  private static AddressRange mapAligned(Fd fd, long bytes, int prot, long alignment)
      throws IOException {
    long room = Math.addExact(bytes, alignment);
    long start = Posix.mmap(0, room, Linux.PROT_NONE, RESERVED, NO_FILE);
    long aligned = (start + alignment - 1) & -alignment;
    try {
      mapShared(fd, aligned, bytes, prot, Linux.MAP_FIXED);
    } catch (IOException | RuntimeException e) {
      Posix.munmap(start, room);
      throw e;
    }
    giveBack(start, aligned);
    giveBack(aligned + bytes, start + room);
    return new AddressRange(aligned, bytes);
  }

  private static void giveBack(long from, long to) throws PosixException {
    if (from < to) {
      Posix.munmap(from, to - from);
    }
  }

  /// Kernels before 6.7 refuse a shared mapping of a file sealed against writing, even one for
  /// reading only, with EPERM; there a private one shows the same pages.
  private static long mapShared(Fd fd, long address, long bytes, int prot, int flags)
      throws IOException {
    return fd.query(number -> {
      try {
        return Posix.mmap(address, bytes, prot, flags | Linux.MAP_SHARED, number);
      } catch (PosixException e) {
        if (e.errno() != Errno.EPERM || prot != Linux.PROT_READ) {
          throw e;
        }
        return Posix.mmap(address, bytes, prot, flags | Linux.MAP_PRIVATE, number);
      }
    });
  }

  /// Lays a file's description over the range, for reading only.
  void layReadOnly(Fd fd) throws IOException {
    mapShared(fd, address, bytes, Linux.PROT_READ, Linux.MAP_FIXED);
  }

  /// Lays private zeroes over the range: whoever still has an address writes into nobody's memory.
  void layPrivateMemory() throws PosixException {
    lay(Linux.PROT_READ | Linux.PROT_WRITE);
  }

  /// Keeps the range, but makes every access end the process.
  void layNothing() throws PosixException {
    lay(Linux.PROT_NONE);
  }

  private void lay(int prot) throws PosixException {
    Posix.mmap(address, bytes, prot, RESERVED | Linux.MAP_FIXED, NO_FILE);
  }

  void unmap() {
    try {
      Posix.munmap(address, bytes);
    } catch (PosixException e) {
      throw new UncheckedIOException(e);
    }
    LIVE.decrementAndGet();
  }

  @Override
  public String toString() {
    return "0x" + Long.toHexString(address) + "+" + bytes;
  }
}
