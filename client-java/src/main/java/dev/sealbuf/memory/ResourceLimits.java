package dev.sealbuf.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// What the kernel lets this process have.
public final class ResourceLimits {
  private ResourceLimits() {}

  /// How many descriptors this process may have open (the soft limit, which the JVM has raised to
  /// the hard one).
  public static long openFiles() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment softAndHard = arena.allocate(ValueLayout.JAVA_LONG, 2);
      Posix.getrlimit(Linux.RLIMIT_NOFILE, softAndHard);
      long soft = softAndHard.getAtIndex(ValueLayout.JAVA_LONG, 0);
      return soft < 0 ? Long.MAX_VALUE : soft; // RLIM_INFINITY is all ones
    }
  }
}
