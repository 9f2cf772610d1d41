package dev.sealbuf.memory;

import java.io.IOException;

/// How much of a busy CPU a thread gets. On Linux a nice value is a thread's own (setpriority(2)).
public final class ThreadPriority {
  /// A tenth of what others get who want the same CPU, and they go first when they wake up. Not the
  /// least there is: the thread shares locks of the kernel with others of its process.
  private static final int BACKGROUND = 10;

  private static final int CALLING_THREAD = 0;

  private ThreadPriority() {}

  /// Lets other threads go before the calling one, for good.
  public static void toBackground() throws IOException {
    Posix.setpriority(Linux.PRIO_PROCESS, CALLING_THREAD, BACKGROUND);
  }
}
