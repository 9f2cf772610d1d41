package dev.sealbuf.server.store;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/// The system's clock, whose monotonic time a test moves ahead.
final class ClockAhead implements Clock {
  private final Clock system = Clock.system();
  private final AtomicLong ahead = new AtomicLong();

  void pass(Duration time) {
    ahead.addAndGet(time.toNanos());
  }

  @Override
  public long epochMicros() {
    return system.epochMicros();
  }

  @Override
  public long nanos() {
    return system.nanos() + ahead.get();
  }
}
