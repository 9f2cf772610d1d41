package dev.sealbuf.protocol;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// The documents of the contract, and the tables in them.
public final class Documents {
  private Documents() {}

  /// A file of the `protocol` folder, which lies beside the modules.
  public static Path protocol(String name) {
    return Stream.of(Path.of("protocol"), Path.of("..", "protocol"))
        .filter(Files::isDirectory)
        .findFirst()
        .orElseThrow()
        .resolve(name);
  }

  public static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The rows of the table whose header row begins with these cells.
  public static List<List<String>> table(String document, String... header) {
    List<List<String>> rows =
        lines(protocol(document)).stream()
            .map(Documents::cells)
            .dropWhile(cells -> !startsWith(cells, List.of(header)))
            .skip(2)
            .takeWhile(cells -> !cells.isEmpty())
            .toList();
    if (rows.isEmpty()) {
      throw new AssertionError("no such table: " + Arrays.toString(header));
    }
    return rows;
  }

  /// The rows of the table under a heading.
  public static List<List<String>> tableUnder(String document, String heading) {
    return lines(protocol(document)).stream()
        .dropWhile(line -> !line.equals("## " + heading))
        .map(Documents::cells)
        .dropWhile(List::isEmpty)
        .skip(2)
        .takeWhile(cells -> !cells.isEmpty())
        .toList();
  }

  private static List<String> cells(String line) {
    if (!line.startsWith("|")) {
      return List.of();
    }
    return Arrays.stream(line.substring(1, line.lastIndexOf('|')).split("\\|"))
        .map(String::strip)
        .toList();
  }

  private static boolean startsWith(List<String> cells, List<String> header) {
    return cells.size() >= header.size() && cells.subList(0, header.size()).equals(header);
  }
}
