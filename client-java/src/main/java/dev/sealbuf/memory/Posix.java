package dev.sealbuf.memory;

import static dev.sealbuf.memory.Native.call;
import static dev.sealbuf.memory.Native.callOnce;
import static dev.sealbuf.memory.Native.check;
import static dev.sealbuf.memory.Native.ints;
import static dev.sealbuf.memory.Native.link;
import static dev.sealbuf.memory.Native.linkVariadic;
import static dev.sealbuf.memory.Native.longs;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

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
  private static final MethodHandle MEMFD_CREATE = link("memfd_create", ints(ADDRESS, JAVA_INT));
  private static final MethodHandle FTRUNCATE = link("ftruncate", ints(JAVA_INT, JAVA_LONG));
  private static final MethodHandle FALLOCATE =
      link("fallocate", ints(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle FCNTL =
      linkVariadic("fcntl", 2, ints(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle FCHMOD = link("fchmod", ints(JAVA_INT, JAVA_INT));
  private static final MethodHandle STATX =
      link("statx", ints(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle OPEN = linkVariadic("open", 2, ints(ADDRESS, JAVA_INT));
  private static final MethodHandle FLOCK = link("flock", ints(JAVA_INT, JAVA_INT));
  private static final MethodHandle CLOSE = link("close", ints(JAVA_INT));

  private static final MethodHandle MMAP =
      link("mmap", longs(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP = link("munmap", ints(JAVA_LONG, JAVA_LONG));
  private static final MethodHandle MADVISE = link("madvise", ints(JAVA_LONG, JAVA_LONG, JAVA_INT));

  private static final MethodHandle SOCKET = link("socket", ints(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle CONNECT = link("connect", ints(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle BIND = link("bind", ints(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle LISTEN = link("listen", ints(JAVA_INT, JAVA_INT));
  private static final MethodHandle SENDMSG = link("sendmsg", longs(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle RECVMSG = link("recvmsg", longs(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle SETSOCKOPT =
      link("setsockopt", ints(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle GETSOCKOPT =
      link("getsockopt", ints(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle IOCTL =
      linkVariadic("ioctl", 2, ints(JAVA_INT, JAVA_LONG, ADDRESS));
  private static final MethodHandle SHUTDOWN = link("shutdown", ints(JAVA_INT, JAVA_INT));

  private static final MethodHandle PRCTL =
      linkVariadic("prctl", 1, ints(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle SIGNAL = link("signal", longs(JAVA_INT, JAVA_LONG));
  private static final MethodHandle SYSCONF = link("sysconf", longs(JAVA_INT));
  private static final MethodHandle GETEUID = link("geteuid", ints());
  private static final MethodHandle SETPRIORITY =
      link("setpriority", ints(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle GETRLIMIT = link("getrlimit", ints(JAVA_INT, ADDRESS));

  private static final MethodHandle MUTEXATTR_INIT = link("pthread_mutexattr_init", ints(ADDRESS));
  private static final MethodHandle MUTEXATTR_SETPSHARED =
      link("pthread_mutexattr_setpshared", ints(ADDRESS, JAVA_INT));
  private static final MethodHandle MUTEXATTR_SETROBUST =
      link("pthread_mutexattr_setrobust", ints(ADDRESS, JAVA_INT));
  private static final MethodHandle MUTEX_INIT = link("pthread_mutex_init", ints(ADDRESS, ADDRESS));
  private static final MethodHandle MUTEX_LOCK = link("pthread_mutex_lock", ints(ADDRESS));
  private static final MethodHandle MUTEX_UNLOCK = link("pthread_mutex_unlock", ints(ADDRESS));

  private Posix() {}

  // Files

  static int memfdCreate(String name, int flags) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(name);
      long fd = call(errno -> (int) MEMFD_CREATE.invokeExact(errno, text, flags));
      return (int) check(fd, "memfd_create", () -> "name=" + name + " flags=" + hex(flags));
    }
  }

  static void ftruncate(int fd, long bytes) throws PosixException {
    long rc = call(errno -> (int) FTRUNCATE.invokeExact(errno, fd, bytes));
    check(rc, "ftruncate", () -> "fd=" + fd + " bytes=" + bytes);
  }

  static void fallocate(int fd, long offset, long bytes) throws PosixException {
    long rc = call(errno -> (int) FALLOCATE.invokeExact(errno, fd, 0, offset, bytes));
    check(rc, "fallocate", () -> "fd=" + fd + " offset=" + offset + " bytes=" + bytes);
  }

  static int fcntl(int fd, int command, int argument) throws PosixException {
    long result = call(errno -> (int) FCNTL.invokeExact(errno, fd, command, argument));
    return (int)
        check(result, "fcntl", () -> "fd=" + fd + " command=" + command + " arg=" + hex(argument));
  }

  static void fchmod(int fd, int mode) throws PosixException {
    long rc = call(errno -> (int) FCHMOD.invokeExact(errno, fd, mode));
    check(rc, "fchmod", () -> "fd=" + fd + " mode=0" + Integer.toOctalString(mode));
  }

  static void statx(int fd, MemorySegment result) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment path = arena.allocateFrom("");
      int flags = Linux.AT_EMPTY_PATH;
      int mask = Linux.STATX_BASIC_STATS;
      long rc = call(errno -> (int) STATX.invokeExact(errno, fd, path, flags, mask, result));
      check(rc, "statx", () -> "fd=" + fd);
    }
  }

  static int open(String path, int flags) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(path);
      long fd = call(errno -> (int) OPEN.invokeExact(errno, text, flags));
      return (int) check(fd, "open", () -> "path=" + path + " flags=" + hex(flags));
    }
  }

  /// 0, or the negated error number.
  static int flock(int fd, int operation) {
    return (int) call(errno -> (int) FLOCK.invokeExact(errno, fd, operation));
  }

  static void close(int fd) throws PosixException {
    long rc = callOnce(errno -> (int) CLOSE.invokeExact(errno, fd));
    check(rc == -Errno.EINTR ? 0 : rc, "close", () -> "fd=" + fd);
  }

  // Memory

  static long mmap(long address, long bytes, int prot, int flags, int fd) throws PosixException {
    long at = call(errno -> (long) MMAP.invokeExact(errno, address, bytes, prot, flags, fd, 0L));
    return check(
        at,
        "mmap",
        () ->
            ("bytes=" + bytes + " prot=" + protection(prot) + " flags=" + hex(flags))
                + (" fd=" + fd + " offset=0"));
  }

  static void munmap(long address, long bytes) throws PosixException {
    long rc = call(errno -> (int) MUNMAP.invokeExact(errno, address, bytes));
    check(rc, "munmap", () -> "address=0x" + Long.toHexString(address) + " bytes=" + bytes);
  }

  /// 0, or the negated error number.
  static int madvise(long address, long bytes, int advice) {
    return (int) call(errno -> (int) MADVISE.invokeExact(errno, address, bytes, advice));
  }

  // Sockets

  static int socket(int domain, int type) throws PosixException {
    long fd = call(errno -> (int) SOCKET.invokeExact(errno, domain, type, 0));
    return (int) check(fd, "socket", () -> "domain=" + domain + " type=" + hex(type));
  }

  /// 0, or the negated error number.
  static int connect(int fd, MemorySegment address) {
    int bytes = (int) address.byteSize();
    return (int) call(errno -> (int) CONNECT.invokeExact(errno, fd, address, bytes));
  }

  /// 0, or the negated error number.
  static int bind(int fd, MemorySegment address) {
    int bytes = (int) address.byteSize();
    return (int) call(errno -> (int) BIND.invokeExact(errno, fd, address, bytes));
  }

  static void listen(int fd, int backlog) throws PosixException {
    long rc = call(errno -> (int) LISTEN.invokeExact(errno, fd, backlog));
    check(rc, "listen", () -> "fd=" + fd + " backlog=" + backlog);
  }

  /// The number of bytes sent, or the negated error number.
  static long sendmsg(int fd, MemorySegment message, int flags) {
    return call(errno -> (long) SENDMSG.invokeExact(errno, fd, message, flags));
  }

  /// The number of bytes received, 0 at the end of the stream, or the negated error number.
  static long recvmsg(int fd, MemorySegment message, int flags) {
    return call(errno -> (long) RECVMSG.invokeExact(errno, fd, message, flags));
  }

  static void setsockopt(int fd, int option, MemorySegment value) throws PosixException {
    int level = Linux.SOL_SOCKET;
    int bytes = (int) value.byteSize();
    long rc = call(errno -> (int) SETSOCKOPT.invokeExact(errno, fd, level, option, value, bytes));
    check(rc, "setsockopt", () -> "fd=" + fd + " option=" + option);
  }

  /// 0, or the negated error number; `length` goes in and out.
  static int getsockopt(int fd, int option, MemorySegment value, MemorySegment length) {
    int level = Linux.SOL_SOCKET;
    return (int)
        call(errno -> (int) GETSOCKOPT.invokeExact(errno, fd, level, option, value, length));
  }

  static int ioctlInt(int fd, long request) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment result = arena.allocate(JAVA_INT);
      long rc = call(errno -> (int) IOCTL.invokeExact(errno, fd, request, result));
      check(rc, "ioctl", () -> "fd=" + fd + " request=" + hex((int) request));
      return result.get(JAVA_INT, 0);
    }
  }

  static void shutdown(int fd, int how) throws PosixException {
    long rc = call(errno -> (int) SHUTDOWN.invokeExact(errno, fd, how));
    check(rc, "shutdown", () -> "fd=" + fd + " how=" + how);
  }

  // The process

  static int prctl(int option, long argument) throws PosixException {
    long result = call(errno -> (int) PRCTL.invokeExact(errno, option, argument, 0L, 0L, 0L));
    return (int) check(result, "prctl", () -> "option=" + option + " arg=" + argument);
  }

  static void signal(int number, long disposition) throws PosixException {
    long result = call(errno -> (long) SIGNAL.invokeExact(errno, number, disposition));
    check(Math.min(result, 0), "signal", () -> "number=" + number);
  }

  static long sysconf(int name) {
    return call(errno -> (long) SYSCONF.invokeExact(errno, name));
  }

  static int geteuid() {
    return (int) callOnce(errno -> (int) GETEUID.invokeExact(errno));
  }

  static void setpriority(int which, int who, int nice) throws PosixException {
    long rc = call(errno -> (int) SETPRIORITY.invokeExact(errno, which, who, nice));
    check(rc, "setpriority", () -> "which=" + which + " who=" + who + " nice=" + nice);
  }

  static void getrlimit(int resource, MemorySegment result) throws PosixException {
    long rc = call(errno -> (int) GETRLIMIT.invokeExact(errno, resource, result));
    check(rc, "getrlimit", () -> "resource=" + resource);
  }

  // Mutexes: these return the error number itself and leave errno alone.

  static void mutexInit(MemorySegment mutex, MemorySegment attributes) throws PosixException {
    int shared = Linux.PTHREAD_PROCESS_SHARED;
    int robust = Linux.PTHREAD_MUTEX_ROBUST;
    long rc = callOnce(errno -> (int) MUTEXATTR_INIT.invokeExact(errno, attributes));
    check(-rc, "pthread_mutexattr_init", () -> "");
    rc = callOnce(errno -> (int) MUTEXATTR_SETPSHARED.invokeExact(errno, attributes, shared));
    check(-rc, "pthread_mutexattr_setpshared", () -> "shared=" + shared);
    rc = callOnce(errno -> (int) MUTEXATTR_SETROBUST.invokeExact(errno, attributes, robust));
    check(-rc, "pthread_mutexattr_setrobust", () -> "robust=" + robust);
    rc = callOnce(errno -> (int) MUTEX_INIT.invokeExact(errno, mutex, attributes));
    check(-rc, "pthread_mutex_init", () -> "");
  }

  static void mutexLock(MemorySegment mutex) throws PosixException {
    long rc = callOnce(errno -> (int) MUTEX_LOCK.invokeExact(errno, mutex));
    check(-rc, "pthread_mutex_lock", () -> "");
  }

  static void mutexUnlock(MemorySegment mutex) throws PosixException {
    long rc = callOnce(errno -> (int) MUTEX_UNLOCK.invokeExact(errno, mutex));
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
