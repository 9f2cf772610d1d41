package dev.sealbuf.server.cli;

import dev.sealbuf.memory.ResourceLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// What this process may use: descriptors, mappings, memory.
final class LimitChecks {
  /// One descriptor a large buffer and one a client; below this a busy store runs out of them
  /// first.
  private static final long OPEN_FILES_GOOD = 65_536;

  private static final long MAPPINGS_DEFAULT = 65_530;
  private static final Path MAX_MAP_COUNT = Path.of("/proc/sys/vm/max_map_count");
  private static final Path OWN_CGROUPS = Path.of("/proc/self/cgroup");
  private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

  /// Version 1 says "no limit" by a number close to 2^63.
  private static final long NO_LIMIT = 1L << 60;

  private LimitChecks() {}

  static List<Finding> run() {
    return List.of(openFiles(), mappings(), memory());
  }

  private static Finding openFiles() {
    try {
      long limit = ResourceLimits.openFiles();
      return limit >= OPEN_FILES_GOOD
          ? Finding.ok("descriptors", "RLIMIT_NOFILE=" + limit)
          : Finding.warn(
              "descriptors",
              "RLIMIT_NOFILE=" + limit,
              "each large buffer and each client takes one: raise it (LimitNOFILE= in systemd,"
                  + " ulimit -Hn, docker run --ulimit nofile)");
    } catch (IOException e) {
      return Finding.warn("descriptors", String.valueOf(e.getMessage()), "allow getrlimit");
    }
  }

  private static Finding mappings() {
    long limit = SystemFiles.line(MAX_MAP_COUNT).map(Long::parseLong).orElse(MAPPINGS_DEFAULT);
    String fact = "mappings a process: vm.max_map_count=" + limit;
    return limit >= MAPPINGS_DEFAULT
        ? Finding.ok("mappings", fact)
        : Finding.warn("mappings", fact, "sysctl vm.max_map_count=" + MAPPINGS_DEFAULT);
  }

  private static Finding memory() {
    boolean second = Files.exists(CGROUPS.resolve("cgroup.controllers"));
    Optional<Long> limit = second ? limitOfVersion2() : limitOfVersion1();
    String version = "cgroup v" + (second ? 2 : 1);
    return limit
        .filter(bytes -> bytes < NO_LIMIT)
        .map(bytes ->
            Finding.warn(
                "memory",
                "%s limits this process: bytes=%d".formatted(version, bytes),
                "keep --capacity and what clients use well below %s: past it the kernel kills"
                    .formatted(ByteSize.human(bytes))))
        .orElse(Finding.ok("memory", version + " sets no limit"));
  }

  private static Optional<Long> limitOfVersion2() {
    return SystemFiles.lines(OWN_CGROUPS).stream()
        .filter(line -> line.startsWith("0::/"))
        .map(line -> CGROUPS.resolve(line.substring("0::/".length())).resolve("memory.max"))
        .flatMap(file -> SystemFiles.line(file).stream())
        .filter(text -> !text.equals("max"))
        .map(Long::parseLong)
        .findFirst();
  }

  private static Optional<Long> limitOfVersion1() {
    return SystemFiles.lines(OWN_CGROUPS).stream()
        .map(line -> line.split(":", 3))
        .filter(fields -> List.of(fields[1].split(",")).contains("memory"))
        .map(fields -> CGROUPS.resolve("memory").resolve(fields[2].substring(1)))
        .flatMap(folder -> SystemFiles.line(folder.resolve("memory.limit_in_bytes")).stream())
        .map(Long::parseLong)
        .findFirst();
  }
}
