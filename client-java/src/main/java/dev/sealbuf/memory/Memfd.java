package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/// Memory files: anonymous files that the kernel can seal.
///
/// **Descriptions.** The descriptor that [#create] returns must not leave the process: the kernel
/// counts neither it nor its duplicates as readers or writers of the file. What is handed out comes
/// from [#reopenReadOnly] and [#reopenReadWrite], which make a fresh, counted description through
/// `/proc/self/fd`.
///
/// **Mode.** A memory file is born with mode 0666 or 0777; [#create] makes it 0600, so that another
/// uid cannot open it anew through `/proc`. The same uid can, whatever the mode: only seals hold
/// against it.
///
/// **Size.** A memory file has no limit but the memory of the machine, and running into the limit
/// of a memory cgroup ends the process instead of the call. Check before [#allocate].
public final class Memfd {
  private static final int MODE = 0600;

  /// Heap memory is copied here on its way into a file, so much a call.
  private static final int HEAP_BYTES_MAX = 64 * 1024;

  private static final StructLayout STATX =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_INT.withName("mask"),
          ValueLayout.JAVA_INT.withName("blksize"),
          ValueLayout.JAVA_LONG.withName("attributes"),
          MemoryLayout.paddingLayout(3L * Integer.BYTES), // nlink, uid, gid
          ValueLayout.JAVA_SHORT.withName("mode"),
          MemoryLayout.paddingLayout(Short.BYTES),
          ValueLayout.JAVA_LONG.withName("ino"),
          ValueLayout.JAVA_LONG.withName("size"),
          ValueLayout.JAVA_LONG.withName("blocks"),
          MemoryLayout.paddingLayout(256 - 7L * Long.BYTES)); // up to the size the kernel reserves
  private static final VarHandle STATX_MODE = field("mode");
  private static final VarHandle STATX_INO = field("ino");
  private static final VarHandle STATX_SIZE = field("size");
  private static final VarHandle STATX_BLOCKS = field("blocks");
  private static final long BLOCK_BYTES = 512;

  /// What the kernel knows about a file.
  ///
  /// @param bytes its size
  /// @param allocated bytes of memory it takes; less than `bytes` when it has holes
  /// @param mode type and permissions, as in stat(2)
  /// @param inode the number that tells two files of one file system apart
  public record Stat(long bytes, long allocated, int mode, long inode) {}

  private Memfd() {}

  /// A new, empty, sealable file with mode 0600. `name` is for people who read `/proc/PID/maps`.
  public static Fd create(String name) throws IOException {
    int flags = Linux.MFD_CLOEXEC | Linux.MFD_ALLOW_SEALING;
    Fd fd = Fd.adopt(createNoExec(name, flags));
    try {
      fd.use(number -> Posix.fchmod(number, MODE));
      return fd;
    } catch (IOException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  /// Kernels before 6.3 do not know MFD_NOEXEC_SEAL and say EINVAL.
  private static int createNoExec(String name, int flags) throws PosixException {
    try {
      return Posix.memfdCreate(name, flags | Linux.MFD_NOEXEC_SEAL);
    } catch (PosixException e) {
      if (e.errno() != Errno.EINVAL) {
        throw e;
      }
      return Posix.memfdCreate(name, flags);
    }
  }

  /// Sets the size. What is new is a hole.
  public static void resize(Fd fd, long bytes) throws IOException {
    fd.use(number -> Posix.ftruncate(number, bytes));
  }

  /// Puts zeroed memory behind the range, where there is none yet.
  ///
  /// @throws MemoryShortException when the machine has no memory for it
  public static void allocate(Fd fd, long offset, long bytes) throws IOException {
    try {
      fd.use(number -> Posix.fallocate(number, offset, bytes));
    } catch (PosixException e) {
      boolean isShort = e.errno() == Errno.ENOSPC || e.errno() == Errno.ENOMEM;
      throw isShort ? new MemoryShortException(e) : e;
    }
  }

  /// Writes bytes to the beginning of a file. Native memory is taken from where it is, other memory
  /// is copied on its way.
  public static void write(Fd fd, MemorySegment bytes) throws IOException {
    if (bytes.isNative()) {
      fd.use(number -> write(number, bytes, 0));
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment room = arena.allocate(Math.min(bytes.byteSize(), HEAP_BYTES_MAX));
      for (long at = 0; at < bytes.byteSize(); at += HEAP_BYTES_MAX) {
        long offset = at;
        long length = Math.min(bytes.byteSize() - offset, HEAP_BYTES_MAX);
        MemorySegment part = room.asSlice(0, length).copyFrom(bytes.asSlice(offset, length));
        fd.use(number -> write(number, part, offset));
      }
    }
  }

  private static void write(int number, MemorySegment bytes, long offset) throws PosixException {
    long written = 0;
    while (written < bytes.byteSize()) {
      written += Posix.pwrite(number, bytes.asSlice(written), offset + written);
    }
  }

  /// Adds seals, all of them or, with EBUSY from WRITE, none.
  public static void addSeals(Fd fd, Seals seals) throws IOException {
    fd.use(number -> Posix.fcntl(number, Linux.F_ADD_SEALS, seals.bits()));
  }

  public static Seals seals(Fd fd) throws IOException {
    return new Seals(fd.query(number -> Posix.fcntl(number, Linux.F_GET_SEALS, 0)));
  }

  /// A fresh description that can only be read.
  public static Fd reopenReadOnly(Fd fd) throws IOException {
    return reopen(fd, Linux.O_RDONLY);
  }

  /// A fresh description for writing. While it, or a mapping of it, lives, WRITE is refused.
  public static Fd reopenReadWrite(Fd fd) throws IOException {
    return reopen(fd, Linux.O_RDWR);
  }

  /// O_NONBLOCK, because a reader of the same uid may hold a lease, which would stop a blocking
  /// open for 45 s.
  private static Fd reopen(Fd fd, int access) throws IOException {
    int flags = access | Linux.O_NONBLOCK | Linux.O_CLOEXEC;
    return Fd.adopt(fd.query(number -> open(number, flags)));
  }

  /// A peer of the same uid can take the mode away from under its owner, who puts it back.
  private static int open(int number, int flags) throws PosixException {
    String path = "/proc/self/fd/" + number;
    try {
      return Posix.open(path, flags);
    } catch (PosixException e) {
      if (e.errno() != Errno.EACCES) {
        throw e;
      }
      Posix.fchmod(number, MODE);
      return Posix.open(path, flags);
    }
  }

  public static Stat stat(Fd fd) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(STATX);
      fd.use(number -> Posix.statx(number, result));
      return new Stat(
          (long) STATX_SIZE.get(result, 0L),
          (long) STATX_BLOCKS.get(result, 0L) * BLOCK_BYTES,
          Short.toUnsignedInt((short) STATX_MODE.get(result, 0L)),
          (long) STATX_INO.get(result, 0L));
    }
  }

  private static VarHandle field(String name) {
    return STATX.varHandle(PathElement.groupElement(name)).withInvokeExactBehavior();
  }
}
