package dev.sealbuf.server.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// What processes have mapped, as `/proc/PID/maps` tells: of processes of the daemon's own uid, and
/// of all if it is root. Each is read once. On a worker: a large process has a megabyte of it.
final class ProcessMaps {
  /// Inode and path follow address, mode, offset and device.
  private static final int FIELDS = 6;

  private static final int INODE = 4;
  private static final int PATH = 5;
  private static final String OURS = "/memfd:sealbuf-";

  private final Path proc;
  private final Map<Integer, Optional<Set<Long>>> read = new HashMap<>();

  ProcessMaps() {
    this(Path.of("/proc"));
  }

  /// Reads from another place than `/proc`.
  ProcessMaps(Path proc) {
    this.proc = proc;
  }

  /// Whether there is a process of this number. It may be another one by now.
  boolean exists(int pid) {
    return pid > 0 && Files.exists(proc.resolve(Integer.toString(pid)));
  }

  /// The inodes of the segments that a process has mapped; empty when the daemon may not look.
  Optional<Set<Long>> segments(int pid) {
    return pid > 0 ? read.computeIfAbsent(pid, this::read) : Optional.empty();
  }

  private Optional<Set<Long>> read(int pid) {
    Path maps = proc.resolve(Integer.toString(pid)).resolve("maps");
    Set<Long> inodes = new HashSet<>();
    try (Stream<String> lines = Files.lines(maps, StandardCharsets.ISO_8859_1)) {
      lines.forEach(line -> {
        String[] fields = line.split(" +", FIELDS);
        if (fields.length == FIELDS && fields[PATH].startsWith(OURS)) {
          inodes.add(Long.parseLong(fields[INODE]));
        }
      });
      return Optional.of(inodes);
    } catch (IOException | UncheckedIOException _) {
      return Optional.empty();
    }
  }
}
