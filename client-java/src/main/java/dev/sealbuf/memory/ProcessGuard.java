package dev.sealbuf.memory;

import java.io.IOException;

/// Keeps other processes out of this one's memory.
///
/// A process that is not dumpable cannot be traced, and its `/proc/PID/mem` and `/proc/PID/fd`
/// cannot be opened, by processes of its own uid. It is no help against one that had opened them
/// before: a daemon that shares its uid with others should be started from an unreadable
/// executable, which makes it undumpable from its first instruction.
public final class ProcessGuard {
  private ProcessGuard() {}

  /// Makes this process undumpable, for good measure verified.
  public static void hide() throws IOException {
    Posix.prctl(Linux.PR_SET_DUMPABLE, 0);
    if (!isHidden()) {
      throw new IOException("the process is still dumpable: PR_GET_DUMPABLE=1");
    }
  }

  public static boolean isHidden() throws IOException {
    return Posix.prctl(Linux.PR_GET_DUMPABLE, 0) == 0;
  }
}
