package dev.sealbuf.memory;

import java.net.SocketTimeoutException;
import java.time.Duration;

/// The moment after which a call that waits gives up: made once where a call begins, passed on to
/// all it waits for.
///
/// @param nanos on the scale of `System.nanoTime`, which no change of the clock moves
public record Deadline(long nanos) {
  public static Deadline after(Duration timeout) {
    return new Deadline(System.nanoTime() + timeout.toNanos());
  }

  /// Nanoseconds left; 0 when the moment has passed.
  public long remaining() {
    return Math.max(0, nanos - System.nanoTime());
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
