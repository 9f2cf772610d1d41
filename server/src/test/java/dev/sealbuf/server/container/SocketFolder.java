package dev.sealbuf.server.container;

import dev.sealbuf.client.Jvm;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/// A folder of the host that daemon and clients have in common, with owner and mode as the image
/// has them.
final class SocketFolder {
  static final int DAEMON = 10_001;
  static final int GROUP = 20_000;

  private SocketFolder() {}

  static Path make() {
    try {
      Path folder = Files.createDirectory(Jvm.publicFolder().resolve("run"));
      Files.setAttribute(folder, "unix:uid", DAEMON);
      Files.setAttribute(folder, "unix:gid", GROUP);
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-x---"));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path socket(Path folder) {
    return folder.resolve("sealbuf.sock");
  }
}
