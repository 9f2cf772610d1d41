package dev.sealbuf.memory;

import java.net.SocketTimeoutException;
import java.time.Duration;

/// The moment after which a call that waits gives up: made once where a call begins, passed on to
/// all it waits for.
///
/// @param nanos on the scale of `System.nanoTime`, which no change of the clock moves
public record Deadline(long nanos) {
  /// Far enough for everybody, and small enough to be added to `System.nanoTime`.
  private static final Duration LONGEST = Duration.ofDays(36_500);

  public static Deadline after(Duration timeout) {
    Duration bounded = timeout.compareTo(LONGEST) > 0 ? LONGEST : timeout;
    return new Deadline(System.nanoTime() + bounded.toNanos());
  }

  /// Nanoseconds left; 0 when the moment has passed.
  public long remaining() {
    return Math.max(0, nanos - System.nanoTime());
  }

  public Duration left() {
    return Duration.ofNanos(remaining());
  }

  public boolean hasPassed() {
    return remaining() == 0;
  }

  /// @throws SocketTimeoutException when the moment has passed; `waiting` says for what
  void check(String waiting) throws SocketTimeoutException {
    if (hasPassed()) {
      throw new SocketTimeoutException("the deadline passed: waiting=" + waiting);
    }
  }
}
