package dev.sealbuf.memory;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;

/// A file that one process at a time holds: flock(2), which ends with the holder, kill -9 included.
///
/// The holder removes the file when it is done. So a lock that was taken may be that of a file
/// without a path, beside which somebody else holds a new one: the path is compared after locking,
/// and removed before unlocking.
public final class LockFile implements AutoCloseable {
  private static final Set<PosixFilePermission> MODE = PosixFilePermissions.fromString("rw-------");

  private final Path path;
  private final Fd fd;

  private LockFile(Path path, Fd fd) {
    this.path = path;
    this.fd = fd;
  }

  /// Takes the lock; empty when somebody else holds it. The file is made with mode 0600.
  ///
  /// @throws IOException also when there is something else than a file at the path
  public static Optional<LockFile> tryLock(Path path) throws IOException {
    while (true) {
      create(path);
      Optional<Fd> file = open(path);
      if (file.isEmpty()) {
        continue; // its holder was just done
      }
      if (!lock(file.get(), path)) {
        file.get().close();
        return Optional.empty();
      }
      if (isAtPath(file.get(), path)) {
        return Optional.of(new LockFile(path, file.get()));
      }
      file.get().close();
    }
  }

  private static void create(Path path) throws IOException {
    try {
      Files.createFile(path, PosixFilePermissions.asFileAttribute(MODE));
    } catch (FileAlreadyExistsException e) {
      if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)
          && !Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
        throw new IOException("a lock is a regular file: path=" + path, e);
      }
    }
  }

  private static Optional<Fd> open(Path path) throws IOException {
    try {
      return Optional.of(Fd.adopt(Posix.open(path.toString(), Linux.O_RDONLY | Linux.O_CLOEXEC)));
    } catch (PosixException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static boolean lock(Fd file, Path path) throws IOException {
    int errno = -file.query(number -> Posix.flock(number, Linux.LOCK_EX | Linux.LOCK_NB));
    if (errno != 0 && errno != Errno.EAGAIN) {
      file.close();
      throw new PosixException("flock", "path=" + path, errno);
    }
    return errno == 0;
  }

  private static boolean isAtPath(Fd file, Path path) throws IOException {
    try {
      Object inode = Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
      return inode.equals(Memfd.stat(file).inode());
    } catch (NoSuchFileException _) {
      return false;
    }
  }

  /// Removes the file and lets go of the lock.
  @Override
  public void close() {
    try (Fd _ = fd) {
      Files.deleteIfExists(path);
    } catch (IOException _) {
      // The directory is gone or not ours any more; a file that stays is taken over by the next.
    }
  }
}
