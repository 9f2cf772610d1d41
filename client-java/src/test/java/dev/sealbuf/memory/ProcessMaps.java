package dev.sealbuf.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// What `/proc/self/smaps` says about a range of addresses of this process.
final class ProcessMaps {
  private static final Path SMAPS = Path.of("/proc/self/smaps");
  private static final int HEX = 16;

  private ProcessMaps() {}

  /// How many mappings have a byte in the range.
  static long entriesWithin(long from, long to) throws IOException {
    return Files.readAllLines(SMAPS).stream()
        .filter(ProcessMaps::isEntry)
        .filter(line -> start(line) < to && end(line) > from)
        .filter(line -> start(line) > from || end(line) < to)
        .count();
  }

  /// The value of a field in bytes, such as `ShmemPmdMapped`, of the mapping that begins at an
  /// address.
  static long bytes(long address, String field) throws IOException {
    List<String> lines = Files.readAllLines(SMAPS);
    boolean inside = false;
    for (String line : lines) {
      if (isEntry(line)) {
        inside = start(line) == address;
      } else if (inside && line.startsWith(field + ":")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    throw new AssertionError("no such mapping or field: address=" + address + " field=" + field);
  }

  private static boolean isEntry(String line) {
    return line.matches("^[0-9a-f]+-[0-9a-f]+ .*");
  }

  private static long start(String line) {
    return Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), HEX);
  }

  private static long end(String line) {
    return Long.parseUnsignedLong(line.substring(line.indexOf('-') + 1, line.indexOf(' ')), HEX);
  }
}
