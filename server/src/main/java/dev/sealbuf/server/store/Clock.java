package dev.sealbuf.server.store;

import java.time.Instant;
import java.time.temporal.ChronoUnit;

/// The two times there are: the wall's, which is written into records, and the monotonic one, which
/// deadlines are made of. The only place that asks the system.
public interface Clock {
  /// Microseconds since 1970-01-01T00:00Z.
  long epochMicros();

  /// Nanoseconds since some moment; goes on steadily, whatever happens to the wall's time.
  long nanos();

  static Clock system() {
    return new Clock() {
      @Override
      public long epochMicros() {
        return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
      }

      @Override
      public long nanos() {
        return System.nanoTime();
      }
    };
  }
}
