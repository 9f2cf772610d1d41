package dev.sealbuf.server.cli;

import dev.sealbuf.memory.ResourceLimits;
import dev.sealbuf.server.config.ByteSize;
import dev.sealbuf.server.host.ControlGroup;
import dev.sealbuf.server.host.SystemFiles;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What this process may use: descriptors, mappings, memory.
final class LimitChecks {
  /// One descriptor a large buffer and one a client; below this a busy store runs out of them
  /// first.
  private static final long OPEN_FILES_GOOD = 65_536;

  private static final long MAPPINGS_DEFAULT = 65_530;
  private static final Path MAX_MAP_COUNT = Path.of("/proc/sys/vm/max_map_count");

  /// What the JVM and a health check take beside the store.
  private static final long BESIDES = 256L << 20;

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
    Optional<ControlGroup> group = ControlGroup.own();
    String version = group.map(own -> "cgroup v" + own.version()).orElse("no memory cgroup");
    OptionalLong limit = group.map(ControlGroup::limit).orElse(OptionalLong.empty());
    if (limit.isEmpty()) {
      return Finding.ok("memory", version + ": no limit");
    }
    long room = group.map(ControlGroup::room).orElse(0L);
    return Finding.warn(
        "memory",
        "%s limits what runs here: bytes=%d free=%d".formatted(version, limit.getAsLong(), room),
        "a daemon started here keeps its capacity below that: give it %s and the capacity it is to"
                .formatted(ByteSize.human(BESIDES))
            + " have. All shared memory is charged to the daemon's group, none to readers; what else"
            + " runs in the group counts too, and past the limit the kernel kills");
  }
}
