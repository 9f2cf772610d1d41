package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.ListeningSocket;
import dev.sealbuf.memory.LockFile;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.memory.UnixSocket;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.OptionalLong;

/// The daemon's place in the file system: the socket, and beside it the lock that decides between
/// daemons.
///
/// Whoever holds the lock may look at the path: nothing there, bind; a socket that refuses
/// connections, left behind by a daemon that was killed: remove it, bind; a socket that answers, or
/// anything that is no socket (a file, a directory, a link to whatever): refuse and touch nothing.
///
/// The mode is never wider than it ends up. A group gets its rights last: the socket is bound with
/// 0600, given to the group, then opened to it with 0660, and listens after that.
final class SocketPath implements AutoCloseable {
  private static final String LOCK_SUFFIX = ".lock";
  private static final Duration PROBE = Duration.ofSeconds(1);
  private static final int OWNER_ONLY = 0600;
  private static final int OWNER_AND_GROUP = 0660;
  private static final int DIRECTORY_OF_GROUP = 0750;
  private static final int TYPE_MASK = 0170000;
  private static final int TYPE_SOCKET = 0140000;

  private final Path path;
  private final LockFile lock;
  private final Fd socket;
  private final Object inode;

  private SocketPath(Path path, LockFile lock, Fd socket) throws IOException {
    this.path = path;
    this.lock = lock;
    this.socket = socket;
    this.inode = attribute(path, "ino");
  }

  /// Takes the path and binds a socket to it that does not listen yet.
  ///
  /// @param group whose members get access besides the owner
  static SocketPath claim(Path path, OptionalLong group) throws IOException {
    checkLength(path);
    makeDirectory(path.toAbsolutePath().resolveSibling(""), group);
    LockFile lock = lock(path);
    try {
      makeRoom(path);
      return new SocketPath(path, lock, bind(path, group));
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /// The bound socket. Whoever takes it closes it.
  Fd socket() {
    return socket;
  }

  /// Removes the socket, unless somebody put something else in its place, and then the lock.
  @Override
  public void close() {
    try (LockFile _ = lock) {
      if (Files.exists(path, LinkOption.NOFOLLOW_LINKS) && attribute(path, "ino").equals(inode)) {
        Files.delete(path);
      }
    } catch (IOException _) {
      // Gone, or no longer ours to remove: the next daemon takes a dead socket over.
    }
  }

  private static void checkLength(Path path) throws CannotServeException {
    int bytes = path.toString().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > UnixSocket.PATH_MAX) {
      throw new CannotServeException(
          "the socket's path is too long: bytes=%d max=%d path=%s"
              .formatted(bytes, UnixSocket.PATH_MAX, path));
    }
  }

  private static void makeDirectory(Path directory, OptionalLong group) throws IOException {
    try {
      if (!Files.exists(directory)) {
        Files.createDirectory(
            directory,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        openTo(directory, group, DIRECTORY_OF_GROUP);
      }
    } catch (IOException e) {
      throw new CannotServeException("the socket's directory cannot be made", e);
    }
  }

  private static LockFile lock(Path path) throws IOException {
    Path lock = path.resolveSibling(path.getFileName() + LOCK_SUFFIX);
    try {
      return LockFile.tryLock(lock).orElseThrow(() -> alreadyServed(path));
    } catch (CannotServeException e) {
      throw e;
    } catch (IOException e) {
      throw new CannotServeException("the lock beside the socket cannot be taken", e);
    }
  }

  private static void makeRoom(Path path) throws IOException {
    if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (((int) attribute(path, "mode") & TYPE_MASK) != TYPE_SOCKET) {
      throw new CannotServeException(
          "there is something that is no socket, and it is left alone: path=" + path);
    }
    if (answers(path)) {
      throw alreadyServed(path);
    }
    Files.delete(path);
  }

  /// Whether anybody serves there. Only a refused connection is a no: whatever else fails is left
  /// alone.
  private static boolean answers(Path path) throws IOException {
    try (UnixSocket _ = UnixSocket.connect(path, Deadline.after(PROBE))) {
      return true;
    } catch (SocketTimeoutException _) {
      return true;
    } catch (PosixException e) {
      if (e.errno() == Errno.ECONNREFUSED) {
        return false;
      }
      throw new CannotServeException("the socket at the path cannot be judged", e);
    }
  }

  private static Fd bind(Path path, OptionalLong group) throws IOException {
    Fd socket = ListeningSocket.bind(path, OWNER_ONLY);
    try {
      openTo(path, group, OWNER_AND_GROUP);
      return socket;
    } catch (IOException e) {
      socket.close();
      Files.delete(path);
      throw new CannotServeException("the socket cannot be given to the group", e);
    }
  }

  private static void openTo(Path path, OptionalLong group, int mode) throws IOException {
    if (group.isPresent()) {
      Files.setAttribute(path, "unix:gid", (int) group.getAsLong(), LinkOption.NOFOLLOW_LINKS);
      Files.setAttribute(path, "unix:mode", mode);
    }
  }

  private static Object attribute(Path path, String name) throws IOException {
    return Files.getAttribute(path, "unix:" + name, LinkOption.NOFOLLOW_LINKS);
  }

  private static CannotServeException alreadyServed(Path path) {
    return new CannotServeException("a daemon already serves at this socket: path=" + path);
  }
}
