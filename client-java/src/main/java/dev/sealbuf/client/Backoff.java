package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import java.util.concurrent.locks.LockSupport;

/// The pauses between attempts: 10 ms, then twice as long each time, up to half a second. Who waits
/// for a daemon to come back so meets it within a second of its start.
final class Backoff {
  private static final long FIRST = 10_000_000;
  private static final long LONGEST = 500_000_000;

  private long next = FIRST;

  /// Waits before the next attempt, at most until the deadline.
  ///
  /// @throws TimeoutException when the thread is interrupted
  void pause(Deadline deadline) {
    LockSupport.parkNanos(Math.min(next, deadline.remaining()));
    if (Thread.currentThread().isInterrupted()) {
      throw new TimeoutException("interrupted while waiting for the daemon");
    }
    next = Math.min(2 * next, LONGEST);
  }
}
