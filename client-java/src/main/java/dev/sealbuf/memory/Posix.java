package dev.sealbuf.memory;

import static dev.sealbuf.memory.Native.check;
import static dev.sealbuf.memory.Native.ints;
import static dev.sealbuf.memory.Native.longs;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The C library's files, memory, sockets and processes; [Events] has what is waited for.
///
/// One method a call, in the types of C: descriptors and flags are `int`, sizes `long`, structures
/// [MemorySegment]. Addresses of mappings are plain `long`s, since nothing may be read through them
/// before an owner ([Mapping]) has given them a size and a lifetime.
///
/// **Failure.** A call whose failure is an error throws [PosixException] with the arguments. A call
/// whose caller has to choose by the error number (`madvise`, `connect`, `sendmsg`, `recvmsg`,
/// `getsockopt`) returns it negated instead, as the kernel itself does, and allocates nothing for
/// it. EINTR is never seen ([Native]).
final class Posix {
  private static final Native MEMFD_CREATE = ints("memfd_create");
  private static final Native FTRUNCATE = ints("ftruncate");
  private static final Native FALLOCATE = ints("fallocate");
  private static final Native FCNTL = ints("fcntl");
  private static final Native PWRITE = longs("pwrite");
  private static final Native FCHMOD = ints("fchmod");
  private static final Native STATX = ints("statx");
  private static final Native OPEN = ints("open");
  private static final Native FLOCK = ints("flock");
  private static final Native CLOSE = ints("close");

  private static final Native MMAP = longs("mmap");
  private static final Native MUNMAP = ints("munmap");
  private static final Native MADVISE = ints("madvise");

  private static final Native SOCKET = ints("socket");
  private static final Native CONNECT = ints("connect");
  private static final Native BIND = ints("bind");
  private static final Native LISTEN = ints("listen");
  private static final Native SENDMSG = longs("sendmsg");
  private static final Native RECVMSG = longs("recvmsg");
  private static final Native SETSOCKOPT = ints("setsockopt");
  private static final Native GETSOCKOPT = ints("getsockopt");
  private static final Native IOCTL = ints("ioctl");
  private static final Native SHUTDOWN = ints("shutdown");

  private static final Native PRCTL = ints("prctl");
  private static final Native SIGNAL = longs("signal");
  private static final Native SYSCONF = longs("sysconf");
  private static final Native GETEUID = ints("geteuid");
  private static final Native SETPRIORITY = ints("setpriority");
  private static final Native GETRLIMIT = ints("getrlimit");

  private static final Native MUTEXATTR_INIT = ints("pthread_mutexattr_init");
  private static final Native MUTEXATTR_SETPSHARED = ints("pthread_mutexattr_setpshared");
  private static final Native MUTEXATTR_SETROBUST = ints("pthread_mutexattr_setrobust");
  private static final Native MUTEX_INIT = ints("pthread_mutex_init");
  private static final Native MUTEX_LOCK = ints("pthread_mutex_lock");
  private static final Native MUTEX_UNLOCK = ints("pthread_mutex_unlock");

  private Posix() {}

  // Files

  static int memfdCreate(String name, int flags) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(name);
      long fd = MEMFD_CREATE.call(text, flags);
      return (int) check(fd, "memfd_create", () -> "name=" + name + " flags=" + hex(flags));
    }
  }

  static void ftruncate(int fd, long bytes) throws PosixException {
    long rc = FTRUNCATE.call(fd, bytes);
    check(rc, "ftruncate", () -> "fd=" + fd + " bytes=" + bytes);
  }

  static void fallocate(int fd, long offset, long bytes) throws PosixException {
    long rc = FALLOCATE.call(fd, 0, offset, bytes, 0, 0);
    check(rc, "fallocate", () -> "fd=" + fd + " offset=" + offset + " bytes=" + bytes);
  }

  static int fcntl(int fd, int command, int argument) throws PosixException {
    long result = FCNTL.call(fd, command, argument);
    return (int)
        check(result, "fcntl", () -> "fd=" + fd + " command=" + command + " arg=" + hex(argument));
  }

  /// The number of bytes written, which may be fewer than there are.
  static long pwrite(int fd, MemorySegment bytes, long offset) throws PosixException {
    long size = bytes.byteSize();
    long written = PWRITE.call(fd, bytes, size, offset);
    return check(written, "pwrite", () -> "fd=" + fd + " bytes=" + size + " offset=" + offset);
  }

  static void fchmod(int fd, int mode) throws PosixException {
    long rc = FCHMOD.call(fd, mode);
    check(rc, "fchmod", () -> "fd=" + fd + " mode=0" + Integer.toOctalString(mode));
  }

  /// `result` is of a confined arena, as are the further segments of the calls below that have two.
  static void statx(int fd, MemorySegment result) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom("");
      int flags = Linux.AT_EMPTY_PATH;
      int mask = Linux.STATX_BASIC_STATS;
      long rc = STATX.call(fd, path.address(), flags, mask, result.address(), 0);
      check(rc, "statx", () -> "fd=" + fd);
    }
  }

  static int open(String path, int flags) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(path);
      long fd = OPEN.call(text, flags);
      return (int) check(fd, "open", () -> "path=" + path + " flags=" + hex(flags));
    }
  }

  /// 0, or the negated error number.
  static int flock(int fd, int operation) {
    return (int) FLOCK.call(fd, operation);
  }

  static void close(int fd) throws PosixException {
    long rc = CLOSE.callOnce(fd);
    check(rc == -Errno.EINTR ? 0 : rc, "close", () -> "fd=" + fd);
  }

  // Memory

  static long mmap(long address, long bytes, int prot, int flags, int fd) throws PosixException {
    long at = MMAP.call(address, bytes, prot, flags, fd, 0);
    return check(
        at,
        "mmap",
        () ->
            ("bytes=" + bytes + " prot=" + protection(prot) + " flags=" + hex(flags))
                + (" fd=" + fd + " offset=0"));
  }

  static void munmap(long address, long bytes) throws PosixException {
    long rc = MUNMAP.call(address, bytes);
    check(rc, "munmap", () -> "address=0x" + Long.toHexString(address) + " bytes=" + bytes);
  }

  /// 0, or the negated error number.
  static int madvise(long address, long bytes, int advice) {
    return (int) MADVISE.call(address, bytes, advice);
  }

  // Sockets

  static int socket(int domain, int type) throws PosixException {
    long fd = SOCKET.call(domain, type, 0);
    return (int) check(fd, "socket", () -> "domain=" + domain + " type=" + hex(type));
  }

  /// 0, or the negated error number.
  static int connect(int fd, MemorySegment address) {
    int bytes = (int) address.byteSize();
    return (int) CONNECT.call(fd, address, bytes);
  }

  /// 0, or the negated error number.
  static int bind(int fd, MemorySegment address) {
    int bytes = (int) address.byteSize();
    return (int) BIND.call(fd, address, bytes);
  }

  static void listen(int fd, int backlog) throws PosixException {
    long rc = LISTEN.call(fd, backlog);
    check(rc, "listen", () -> "fd=" + fd + " backlog=" + backlog);
  }

  /// The number of bytes sent, or the negated error number.
  static long sendmsg(int fd, MemorySegment message, int flags) {
    return SENDMSG.call(fd, message, flags);
  }

  /// The number of bytes received, 0 at the end of the stream, or the negated error number.
  static long recvmsg(int fd, MemorySegment message, int flags) {
    return RECVMSG.call(fd, message, flags);
  }

  static void setsockopt(int fd, int option, MemorySegment value) throws PosixException {
    int level = Linux.SOL_SOCKET;
    int bytes = (int) value.byteSize();
    long rc = SETSOCKOPT.call(fd, level, option, value, bytes);
    check(rc, "setsockopt", () -> "fd=" + fd + " option=" + option);
  }

  /// 0, or the negated error number; `length` goes in and out.
  static int getsockopt(int fd, int option, MemorySegment value, MemorySegment length) {
    int level = Linux.SOL_SOCKET;
    return (int) GETSOCKOPT.call(fd, level, option, value, length.address());
  }

  static int ioctlInt(int fd, long request) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(JAVA_INT);
      long rc = IOCTL.call(fd, request, result.address());
      check(rc, "ioctl", () -> "fd=" + fd + " request=" + hex((int) request));
      return result.get(JAVA_INT, 0);
    }
  }

  static void shutdown(int fd, int how) throws PosixException {
    long rc = SHUTDOWN.call(fd, how);
    check(rc, "shutdown", () -> "fd=" + fd + " how=" + how);
  }

  // The process

  static int prctl(int option, long argument) throws PosixException {
    long result = PRCTL.call(option, argument, 0, 0, 0, 0);
    return (int) check(result, "prctl", () -> "option=" + option + " arg=" + argument);
  }

  static void signal(int number, long disposition) throws PosixException {
    long result = SIGNAL.call(number, disposition);
    check(Math.min(result, 0), "signal", () -> "number=" + number);
  }

  static long sysconf(int name) {
    return SYSCONF.call(name);
  }

  static int geteuid() {
    return (int) GETEUID.callOnce(0);
  }

  static void setpriority(int which, int who, int nice) throws PosixException {
    long rc = SETPRIORITY.call(which, who, nice);
    check(rc, "setpriority", () -> "which=" + which + " who=" + who + " nice=" + nice);
  }

  static void getrlimit(int resource, MemorySegment result) throws PosixException {
    long rc = GETRLIMIT.call(resource, result, 0);
    check(rc, "getrlimit", () -> "resource=" + resource);
  }

  // Mutexes: these return the error number itself and leave errno alone.

  static void mutexInit(MemorySegment mutex, MemorySegment attributes) throws PosixException {
    int shared = Linux.PTHREAD_PROCESS_SHARED;
    int robust = Linux.PTHREAD_MUTEX_ROBUST;
    long rc = MUTEXATTR_INIT.call(attributes);
    check(-rc, "pthread_mutexattr_init", () -> "");
    rc = MUTEXATTR_SETPSHARED.call(attributes, shared);
    check(-rc, "pthread_mutexattr_setpshared", () -> "shared=" + shared);
    rc = MUTEXATTR_SETROBUST.call(attributes, robust);
    check(-rc, "pthread_mutexattr_setrobust", () -> "robust=" + robust);
    rc = MUTEX_INIT.call(mutex, attributes.address());
    check(-rc, "pthread_mutex_init", () -> "");
  }

  static void mutexLock(MemorySegment mutex) throws PosixException {
    long rc = MUTEX_LOCK.call(mutex);
    check(-rc, "pthread_mutex_lock", () -> "");
  }

  static void mutexUnlock(MemorySegment mutex) throws PosixException {
    long rc = MUTEX_UNLOCK.call(mutex);
    check(-rc, "pthread_mutex_unlock", () -> "");
  }

  private static String hex(int flags) {
    return "0x" + Integer.toHexString(flags);
  }

  private static String protection(int prot) {
    return switch (prot) {
      case Linux.PROT_NONE -> "none";
      case Linux.PROT_READ -> "r";
      default -> "rw";
    };
  }
}
