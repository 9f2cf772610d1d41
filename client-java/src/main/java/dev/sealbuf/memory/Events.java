package dev.sealbuf.memory;

import static dev.sealbuf.memory.Native.call;
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

/// What the kernel lets a thread wait for: epoll(7), eventfd(2), inotify(7), pidfd_open(2). One
/// method a call, as in [Posix].
final class Events {
  private static final MethodHandle EPOLL_CREATE = link("epoll_create1", ints(JAVA_INT));
  private static final MethodHandle EPOLL_CTL =
      link("epoll_ctl", ints(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle EPOLL_WAIT =
      link("epoll_wait", ints(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
  private static final MethodHandle EVENTFD = link("eventfd", ints(JAVA_INT, JAVA_INT));
  private static final MethodHandle EVENTFD_WRITE =
      link("eventfd_write", ints(JAVA_INT, JAVA_LONG));
  private static final MethodHandle INOTIFY_INIT = link("inotify_init1", ints(JAVA_INT));
  private static final MethodHandle INOTIFY_ADD =
      link("inotify_add_watch", ints(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle READ = link("read", longs(JAVA_INT, ADDRESS, JAVA_LONG));

  /// By number: the C library has a function of that name only since glibc 2.36.
  private static final MethodHandle SYSCALL =
      linkVariadic("syscall", 1, longs(JAVA_LONG, JAVA_LONG, JAVA_LONG));

  private Events() {}

  static int epollCreate() throws PosixException {
    int flags = Linux.EPOLL_CLOEXEC;
    return (int)
        check(
            call(errno -> (int) EPOLL_CREATE.invokeExact(errno, flags)), "epoll_create1", () -> "");
  }

  static void epollAdd(int epoll, int fd, MemorySegment event) throws PosixException {
    int add = Linux.EPOLL_CTL_ADD;
    long rc = call(errno -> (int) EPOLL_CTL.invokeExact(errno, epoll, add, fd, event));
    check(rc, "epoll_ctl", () -> "operation=add fd=" + fd);
  }

  /// Waits without end for at least one event; returns how many there are.
  static int epollWait(int epoll, MemorySegment events, int max) throws PosixException {
    long count = call(errno -> (int) EPOLL_WAIT.invokeExact(errno, epoll, events, max, -1));
    return (int) check(count, "epoll_wait", () -> "fd=" + epoll);
  }

  static int eventfd() throws PosixException {
    int flags = Linux.EFD_CLOEXEC | Linux.EFD_NONBLOCK;
    return (int)
        check(call(errno -> (int) EVENTFD.invokeExact(errno, 0, flags)), "eventfd", () -> "");
  }

  static void eventfdWrite(int fd) throws PosixException {
    long rc = call(errno -> (int) EVENTFD_WRITE.invokeExact(errno, fd, 1L));
    check(rc, "eventfd_write", () -> "fd=" + fd);
  }

  static int inotifyInit() throws PosixException {
    int flags = Linux.IN_CLOEXEC | Linux.IN_NONBLOCK;
    return (int)
        check(
            call(errno -> (int) INOTIFY_INIT.invokeExact(errno, flags)), "inotify_init1", () -> "");
  }

  static int inotifyAdd(int inotify, String path, int mask) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(path);
      long watch = call(errno -> (int) INOTIFY_ADD.invokeExact(errno, inotify, text, mask));
      return (int) check(watch, "inotify_add_watch", () -> "path=" + path);
    }
  }

  /// The number of bytes read, or the negated error number.
  static long read(int fd, MemorySegment bytes) {
    long size = bytes.byteSize();
    return call(errno -> (long) READ.invokeExact(errno, fd, bytes, size));
  }

  static int pidfdOpen(int pid) throws PosixException {
    long number = Linux.SYS_PIDFD_OPEN;
    long process = pid;
    long fd = call(errno -> (long) SYSCALL.invokeExact(errno, number, process, 0L));
    return (int) check(fd, "pidfd_open", () -> "pid=" + pid);
  }
}
