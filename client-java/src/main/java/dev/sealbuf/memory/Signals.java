package dev.sealbuf.memory;

import java.io.IOException;

/// Signals, as far as the JVM leaves them to us.
public final class Signals {
  public static final int SIGINT = 2;
  public static final int SIGTERM = 15;

  private Signals() {}

  /// Takes the JVM's handler away: the next such signal ends the process at once.
  public static void restoreDefault(int number) throws IOException {
    Posix.signal(number, Linux.SIG_DFL);
  }
}
