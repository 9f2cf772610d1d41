package dev.sealbuf.server.channel;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Optional;

/// A descriptor kept open so that it can be given up when there are no others left.
final class SpareDescriptor implements AutoCloseable {
  private static final Path FILE = Path.of("/dev/null");

  private Optional<FileChannel> file = Optional.empty();

  /// Whether the spare is held now; takes one if it was given up and there is one to be had.
  boolean hold() {
    if (file.isEmpty()) {
      try {
        file = Optional.of(FileChannel.open(FILE));
      } catch (IOException _) {
        return false;
      }
    }
    return true;
  }

  /// Gives it up.
  @Override
  public void close() {
    try (FileChannel _ = file.orElse(null)) {
      file = Optional.empty();
    } catch (IOException e) {
      throw new AssertionError("closing " + FILE + " does not fail", e);
    }
  }
}
