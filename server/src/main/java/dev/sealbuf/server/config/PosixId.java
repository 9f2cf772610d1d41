package dev.sealbuf.server.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// A user or a group by number, or by its name in `/etc/passwd` or `/etc/group`. Those from
/// elsewhere (LDAP) are named by number.
final class PosixId {
  private static final Path USERS = Path.of("/etc/passwd");
  private static final Path GROUPS = Path.of("/etc/group");
  private static final long MAX = (1L << 32) - 2; // all ones means "no change" to chown(2)

  private PosixId() {}

  static long user(String text) {
    return parse(text, "uid", "user", USERS);
  }

  static long group(String text) {
    return parse(text, "gid", "group", GROUPS);
  }

  private static long parse(String text, String id, String kind, Path file) {
    long number = text.matches("\\d{1,10}") ? Long.parseLong(text) : ofName(text, kind, file);
    if (number > MAX) {
      throw new IllegalArgumentException(
          "a %1$s is at most %2$d: %1$s=%3$d".formatted(id, MAX, number));
    }
    return number;
  }

  /// Both files have the name in the first field and the number in the third: passwd(5), group(5).
  private static long ofName(String name, String kind, Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines
          .map(line -> line.split(":", -1))
          .filter(fields -> fields.length > 2 && fields[0].equals(name))
          .map(fields -> Long.parseLong(fields[2]))
          .findFirst()
          .orElseThrow(() ->
              new IllegalArgumentException(
                  "no such %s in %s: name=%s".formatted(kind, file, name)));
    } catch (IOException | UncheckedIOException e) {
      throw new IllegalArgumentException(
          "%s cannot be read: name=%s cause=%s".formatted(file, name, e), e);
    }
  }
}
