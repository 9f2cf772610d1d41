package dev.sealbuf.server.host;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/// The memory control group of this process, with those it is nested in.
///
/// A group that reaches its limit is not refused memory: the kernel kills a process of it. So who
/// allocates asks here first. What the kernel can take back by itself (cached files) leaves room;
/// everything else does not. Any group on the way up may have the tightest limit.
///
/// | | version 1 | version 2 |
/// |---|---|---|
/// | limit | memory.limit_in_bytes; none: close to 2^63 | memory.max, memory.high; none: `max` |
/// | charged | memory.usage_in_bytes | memory.current |
/// | of that, by use | memory.stat, `total_` | memory.stat |
///
/// Where it lies: `/proc/self/cgroup` says which path, `/proc/self/mountinfo` where such paths are
/// mounted, and from which one on. A container that sees only its own group finds it at the mount
/// point, whatever path it is told.
public final class ControlGroup {
  /// Version 1 says "no limit" by a number close to 2^63.
  private static final long NO_LIMIT = 1L << 60;

  private static final String UNLIMITED = "max";

  private final int version;
  private final List<Path> levels;

  private ControlGroup(int version, List<Path> levels) {
    this.version = version;
    this.levels = levels;
  }

  /// That of this process; empty where the kernel does not count memory by groups.
  public static Optional<ControlGroup> own() {
    return below(Path.of("/"));
  }

  /// That of the process whose `/proc` and mounts lie below another root.
  static Optional<ControlGroup> below(Path root) {
    List<String[]> memberships =
        SystemFiles.lines(root.resolve("proc/self/cgroup")).stream()
            .map(line -> line.split(":", 3))
            .filter(fields -> fields.length == 3)
            .toList();
    return memberships.stream()
        .filter(fields -> List.of(fields[1].split(",")).contains("memory"))
        .findFirst()
        .flatMap(fields -> find(root, 1, fields[2]))
        .or(() ->
            memberships.stream()
                .filter(fields -> fields[0].equals("0") && fields[1].isEmpty())
                .findFirst()
                .flatMap(fields -> find(root, 2, fields[2])));
  }

  private static Optional<ControlGroup> find(Path root, int version, String path) {
    return Mount.all(root)
        .filter(mount -> mount.isOf(version))
        .findFirst()
        .map(mount -> new ControlGroup(version, levels(mount.folder(root), mount.relative(path))))
        .filter(group -> !group.levels.isEmpty());
  }

  /// A line of mountinfo: where a file system is mounted, and which of its folders is there.
  private record Mount(String from, String at, String type, List<String> options) {
    private static final int FROM = 3;
    private static final int AT = 4;

    static Stream<Mount> all(Path root) {
      return SystemFiles.lines(root.resolve("proc/self/mountinfo")).stream()
          .map(line -> line.split(" - ", 2))
          .filter(halves -> halves.length == 2)
          .map(halves -> {
            String[] place = halves[0].split(" ", -1);
            String[] what = halves[1].split(" ", -1);
            List<String> options = List.of(what[what.length - 1].split(","));
            return new Mount(place[FROM], place[AT], what[0], options);
          });
    }

    boolean isOf(int version) {
      return version == 1
          ? type.equals("cgroup") && options.contains("memory")
          : type.equals("cgroup2");
    }

    Path folder(Path root) {
      return root.resolve(at.substring(1));
    }

    /// The path below the mount point; empty where only that can be seen.
    String relative(String path) {
      boolean inside = path.equals(from) || path.startsWith(from + "/");
      String below = from.equals("/") ? path : inside ? path.substring(from.length()) : "";
      return below.contains("..") ? "" : below;
    }
  }

  /// From the group itself up to the mount point.
  private static List<Path> levels(Path mount, String relative) {
    List<Path> levels = new ArrayList<>();
    Path group = mount.resolve(relative.replaceFirst("^/+", "")).normalize();
    for (int up = group.getNameCount() - mount.getNameCount(); up >= 0; up--) {
      if (Files.exists(group.resolve("memory.stat"))) {
        levels.add(group);
      }
      group = group.resolve("..").normalize();
    }
    return List.copyOf(levels);
  }

  /// 1 or 2.
  public int version() {
    return version;
  }

  /// The tightest limit there is.
  public OptionalLong limit() {
    return levels.stream().map(this::limit).flatMapToLong(OptionalLong::stream).min();
  }

  /// What this process and all others in its groups may still take before one of them is killed;
  /// [Long#MAX_VALUE] without a limit.
  public long room() {
    return levels.stream().mapToLong(this::room).min().orElse(Long.MAX_VALUE);
  }

  /// What the group is charged for memory that belongs to no process and no file on disk: shared
  /// memory, and pages that only outlive it.
  public long shared() {
    Path group = levels.getFirst();
    Map<String, Long> stat = stat(group);
    long known =
        cachedFiles(stat) + kernel(group, stat) + amount(stat, version == 1 ? "rss" : "anon");
    return Math.max(0, charged(group) - known);
  }

  private long room(Path level) {
    OptionalLong limit = limit(level);
    return limit.isPresent()
        ? limit.getAsLong() - charged(level) + cachedFiles(stat(level))
        : Long.MAX_VALUE;
  }

  private OptionalLong limit(Path level) {
    Stream<String> files =
        version == 1 ? Stream.of("memory.limit_in_bytes") : Stream.of("memory.max", "memory.high");
    return files
        .map(level::resolve)
        .flatMap(file -> SystemFiles.line(file).stream())
        .filter(text -> !text.equals(UNLIMITED))
        .mapToLong(Long::parseLong)
        .filter(bytes -> bytes < NO_LIMIT)
        .min();
  }

  private long charged(Path level) {
    return number(level.resolve(version == 1 ? "memory.usage_in_bytes" : "memory.current"));
  }

  private long cachedFiles(Map<String, Long> stat) {
    return amount(stat, "active_file") + amount(stat, "inactive_file");
  }

  /// Linux before 5.18 has no sum of it in version 2.
  private long kernel(Path level, Map<String, Long> stat) {
    if (version == 1) {
      return number(level.resolve("memory.kmem.usage_in_bytes"));
    }
    long parts =
        Stream.of("slab", "kernel_stack", "pagetables", "percpu")
            .mapToLong(part -> amount(stat, part))
            .sum();
    return stat.getOrDefault("kernel", parts) + amount(stat, "sock");
  }

  private long amount(Map<String, Long> stat, String name) {
    return stat.getOrDefault(version == 1 ? "total_" + name : name, 0L);
  }

  private static long number(Path file) {
    return SystemFiles.line(file).map(Long::parseLong).orElse(0L);
  }

  private static Map<String, Long> stat(Path level) {
    Map<String, Long> stat = new HashMap<>();
    for (String line : SystemFiles.lines(level.resolve("memory.stat"))) {
      int space = line.indexOf(' ');
      stat.put(line.substring(0, space), Long.parseLong(line.substring(space + 1)));
    }
    return stat;
  }
}
