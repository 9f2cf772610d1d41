package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// A Unix socket that others can connect to.
///
/// The mode is set on the socket before it has a path, so the path never has a wider one. Binding
/// replaces nothing: whatever is at the path stays.
public final class ListeningSocket {
  private ListeningSocket() {}

  /// A non-blocking socket with a path; nobody can connect before [#listen].
  ///
  /// @param mode permissions of the path, before the umask
  /// @throws PosixException EADDRINUSE when there is anything at the path
  public static Fd bind(Path path, int mode) throws IOException {
    int type = Linux.SOCK_STREAM | Linux.SOCK_CLOEXEC | Linux.SOCK_NONBLOCK;
    Fd fd = Fd.adopt(Posix.socket(Linux.AF_UNIX, type));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = UnixSocket.address(arena, path);
      fd.use(number -> Posix.fchmod(number, mode));
      int errno = -fd.query(number -> Posix.bind(number, address));
      if (errno != 0) {
        throw new PosixException("bind", "path=" + path, errno);
      }
      return fd;
    } catch (IOException | RuntimeException e) {
      fd.close();
      throw e;
    }
  }

  /// From now on the kernel accepts connections, and keeps so many for the daemon to take.
  public static void listen(Fd fd, int backlog) throws IOException {
    fd.use(number -> Posix.listen(number, backlog));
  }
}
