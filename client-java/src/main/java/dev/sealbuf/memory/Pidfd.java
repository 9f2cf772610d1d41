package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// A descriptor of a process: readable from the moment the process has ended, its threads included.
/// What it forked does not count.
public final class Pidfd {
  private Pidfd() {}

  /// The process at the other end of a socket: the one that connected, or the one that listens.
  ///
  /// Linux 6.5 keeps it with the socket (SO_PEERPIDFD). Before, its number at that time is looked
  /// up, which may have been given to another process since. That does no harm to who watches for
  /// the end: when the number was given away, the end has come, and is noticed later than it could
  /// have been.
  ///
  /// @throws PosixException ESRCH when the process has ended, another number when it cannot be
  ///   watched: it lives in another PID namespace, or the kernel (before 5.3) or a filter of system
  ///   calls does not allow it
  public static Fd ofPeer(Fd socket) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment fd = arena.allocate(ValueLayout.JAVA_INT);
      MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, Integer.BYTES);
      int errno = -socket.query(number -> Posix.getsockopt(number, Linux.SO_PEERPIDFD, fd, length));
      return switch (errno) {
        case 0 -> Fd.adopt(fd.get(ValueLayout.JAVA_INT, 0));
        case Errno.ESRCH -> throw new PosixException("getsockopt", "option=SO_PEERPIDFD", errno);
        default -> of(PeerCredentials.of(socket).pid());
      };
    }
  }

  /// This process.
  public static Fd own() throws IOException {
    return of(Math.toIntExact(ProcessHandle.current().pid()));
  }

  /// The process that has this number now.
  static Fd of(int pid) throws IOException {
    return Fd.adopt(Events.pidfdOpen(pid));
  }
}
