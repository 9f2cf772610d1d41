package dev.sealbuf.protocol;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// A golden vector: lines of `HEX # field = value`.
record Vector(List<Line> lines) {
  private static final Pattern LINE = Pattern.compile("([0-9a-f ]+|-)  # (.*)");

  /// @param field what stands before ` = `, or the whole comment
  record Line(ByteBuffer bytes, String field, String value) {
    byte[] array() {
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(0, copy);
      return copy;
    }
  }

  static Path folder() {
    return Documents.protocol("vectors");
  }

  static List<String> framesOf(String messages) {
    return files("frame-(" + messages + ")(-\\w+)?\\.hex");
  }

  /// The names of the vectors that match, sorted.
  static List<String> files(String pattern) {
    try (Stream<Path> files = Files.list(folder())) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.matches(pattern))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Vector read(String file) {
    List<Line> lines = new ArrayList<>();
    for (String text : Documents.lines(folder().resolve(file))) {
      Matcher line = LINE.matcher(text);
      if (!text.startsWith("##") && line.matches()) {
        lines.add(parse(line.group(1), line.group(2)));
      }
    }
    return new Vector(lines);
  }

  private static Line parse(String hex, String comment) {
    String digits = hex.equals("-") ? "" : hex.strip();
    ByteBuffer bytes = ByteBuffer.wrap(HexFormat.ofDelimiter(" ").parseHex(digits));
    int equals = comment.indexOf(" = ");
    return equals < 0
        ? new Line(bytes, comment, "")
        : new Line(bytes, comment.substring(0, equals), comment.substring(equals + 3));
  }

  ByteBuffer bytes() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    lines.forEach(line -> all.writeBytes(line.array()));
    return ByteBuffer.wrap(all.toByteArray());
  }

  Line line(String field) {
    return lines.stream().filter(line -> line.field().equals(field)).findFirst().orElseThrow();
  }

  /// Empty where the vector has no such line.
  byte[] bytesOf(String field) {
    return lines.stream()
        .filter(line -> line.field().equals(field))
        .findFirst()
        .map(Line::array)
        .orElseGet(() -> new byte[0]);
  }

  long number(String field) {
    return Long.parseLong(line(field).value());
  }
}
