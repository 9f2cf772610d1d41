package dev.sealbuf.memory;

import static dev.sealbuf.memory.Native.check;
import static dev.sealbuf.memory.Native.ints;
import static dev.sealbuf.memory.Native.longs;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// What the kernel lets a thread wait for: epoll(7), eventfd(2), inotify(7), pidfd_open(2). One
/// method a call, as in [Posix].
final class Events {
  private static final Native EPOLL_CREATE = ints("epoll_create1");
  private static final Native EPOLL_CTL = ints("epoll_ctl");
  private static final Native EPOLL_WAIT = ints("epoll_wait");
  private static final Native EVENTFD = ints("eventfd");
  private static final Native EVENTFD_WRITE = ints("eventfd_write");
  private static final Native INOTIFY_INIT = ints("inotify_init1");
  private static final Native INOTIFY_ADD = ints("inotify_add_watch");
  private static final Native READ = longs("read");

  /// By number: the C library has a function of that name only since glibc 2.36.
  private static final Native SYSCALL = longs("syscall");

  private Events() {}

  static int epollCreate() throws PosixException {
    int flags = Linux.EPOLL_CLOEXEC;
    return (int) check(EPOLL_CREATE.call(flags), "epoll_create1", () -> "");
  }

  static void epollAdd(int epoll, int fd, MemorySegment event) throws PosixException {
    int add = Linux.EPOLL_CTL_ADD;
    long rc = EPOLL_CTL.call(epoll, add, fd, event, 0);
    check(rc, "epoll_ctl", () -> "operation=add fd=" + fd);
  }

  /// Waits without end for at least one event; returns how many there are.
  static int epollWait(int epoll, MemorySegment events, int max) throws PosixException {
    long count = EPOLL_WAIT.call(epoll, events, max, -1);
    return (int) check(count, "epoll_wait", () -> "fd=" + epoll);
  }

  static int eventfd() throws PosixException {
    int flags = Linux.EFD_CLOEXEC | Linux.EFD_NONBLOCK;
    return (int) check(EVENTFD.call(0, flags), "eventfd", () -> "");
  }

  static void eventfdWrite(int fd) throws PosixException {
    long rc = EVENTFD_WRITE.call(fd, 1);
    check(rc, "eventfd_write", () -> "fd=" + fd);
  }

  static int inotifyInit() throws PosixException {
    int flags = Linux.IN_CLOEXEC | Linux.IN_NONBLOCK;
    return (int) check(INOTIFY_INIT.call(flags), "inotify_init1", () -> "");
  }

  static int inotifyAdd(int inotify, String path, int mask) throws PosixException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(path);
      long watch = INOTIFY_ADD.call(inotify, text, mask);
      return (int) check(watch, "inotify_add_watch", () -> "path=" + path);
    }
  }

  /// The number of bytes read, or the negated error number.
  static long read(int fd, MemorySegment bytes) {
    long size = bytes.byteSize();
    return READ.call(fd, bytes, size);
  }

  static int pidfdOpen(int pid) throws PosixException {
    long number = Linux.SYS_PIDFD_OPEN;
    long fd = SYSCALL.call(number, pid, 0);
    return (int) check(fd, "pidfd_open", () -> "pid=" + pid);
  }
}
