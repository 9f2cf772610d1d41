package dev.sealbuf.server.host;

import java.nio.file.Path;

/// The JVM's cache of classes that are loaded and linked already (JEP 483), which
/// `scripts/aot-cache` makes for each launcher.
///
/// A JVM that finds the cache unfit (made by another build of it, for other jars, with another
/// collector) goes on without a word and starts as slowly as if there were none. What it has mapped
/// is in its memory map.
public final class AotCache {
  private static final Path MAPS = Path.of("/proc/self/maps");
  private static final String SUFFIX = ".aot";

  /// What `stat` says.
  public static final String STATE = isInUse() ? "in use" : "not in use";

  private AotCache() {}

  private static boolean isInUse() {
    return SystemFiles.lines(MAPS).stream().anyMatch(line -> line.endsWith(SUFFIX));
  }
}
