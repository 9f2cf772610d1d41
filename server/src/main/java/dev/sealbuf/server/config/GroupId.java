package dev.sealbuf.server.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// A group by number, or by its name in `/etc/group`. Groups from elsewhere (LDAP) are named by
/// number.
final class GroupId {
  private static final Path GROUPS = Path.of("/etc/group");
  private static final long MAX = (1L << 32) - 2; // all ones means "no change" to chown(2)

  private GroupId() {}

  static long parse(String text) {
    long gid = text.matches("\\d{1,10}") ? Long.parseLong(text) : ofName(text);
    if (gid > MAX) {
      throw new IllegalArgumentException("a gid is at most %d: gid=%d".formatted(MAX, gid));
    }
    return gid;
  }

  private static long ofName(String name) {
    try (Stream<String> lines = Files.lines(GROUPS)) {
      return lines
          .map(line -> line.split(":", -1))
          .filter(fields -> fields.length > 2 && fields[0].equals(name))
          .map(fields -> Long.parseLong(fields[2]))
          .findFirst()
          .orElseThrow(
              () -> new IllegalArgumentException("no such group in " + GROUPS + ": name=" + name));
    } catch (IOException | UncheckedIOException e) {
      throw new IllegalArgumentException(
          "%s cannot be read: name=%s cause=%s".formatted(GROUPS, name, e), e);
    }
  }
}
