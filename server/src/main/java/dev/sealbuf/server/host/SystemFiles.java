package dev.sealbuf.server.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// The small files in which the kernel answers questions.
public final class SystemFiles {
  private SystemFiles() {}

  /// The first line; empty when there is none or it may not be read.
  public static Optional<String> line(Path file) {
    return lines(file).stream().findFirst().map(String::strip);
  }

  public static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException _) {
      return List.of();
    }
  }
}
