package dev.sealbuf.server.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// A group by number, or by its name in `/etc/group`. Groups from elsewhere (LDAP) are named by
/// number.
final class GroupId implements ITypeConverter<Long> {
  private static final Path GROUPS = Path.of("/etc/group");
  private static final long MAX = (1L << 32) - 2; // all ones means "no change" to chown(2)

  @Override
  public Long convert(String text) throws IOException {
    long gid = text.matches("\\d{1,10}") ? Long.parseLong(text) : ofName(text);
    if (gid > MAX) {
      throw new TypeConversionException("a gid is at most %d: gid=%d".formatted(MAX, gid));
    }
    return gid;
  }

  private static long ofName(String name) throws IOException {
    try (Stream<String> lines = Files.lines(GROUPS)) {
      Optional<Long> gid =
          lines
              .map(line -> line.split(":", -1))
              .filter(fields -> fields.length > 2 && fields[0].equals(name))
              .map(fields -> Long.parseLong(fields[2]))
              .findFirst();
      return gid.orElseThrow(
          () -> new TypeConversionException("no such group in " + GROUPS + ": name=" + name));
    }
  }
}
