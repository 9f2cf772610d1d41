package dev.sealbuf.client;

import dev.sealbuf.protocol.Limits;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/// How to publish, beside what and under which name.
///
/// ```java
/// store.put("model", weights, PutOptions.NONE.replacing().withTtl(Duration.ofMinutes(10)));
/// ```
///
/// @param replace whether the name may be taken by a published buffer, which this one then replaces
///   in one step
/// @param ttl how long the buffer is to live, from its publication on; without end if empty
/// @param timeout how long to wait for room in a full store; not at all if empty or not positive
public record PutOptions(boolean replace, Optional<Duration> ttl, Optional<Duration> timeout) {
  /// Neither replace nor expire nor wait.
  public static final PutOptions NONE = new PutOptions(false, Optional.empty(), Optional.empty());

  /// @throws InvalidRequestException when the time to live is not 1 ms to 100 years
  public PutOptions {
    ttl.ifPresent(PutOptions::check);
  }

  /// The same, replacing what has the name.
  public PutOptions replacing() {
    return new PutOptions(true, ttl, timeout);
  }

  /// The same, for so long.
  public PutOptions withTtl(Duration time) {
    return new PutOptions(replace, Optional.of(time), timeout);
  }

  /// The same, waiting so long for room.
  public PutOptions withTimeout(Duration time) {
    return new PutOptions(replace, ttl, Optional.of(time));
  }

  OptionalLong ttlMillis() {
    return ttl.isEmpty() ? OptionalLong.empty() : OptionalLong.of(ttl.get().toMillis());
  }

  private static void check(Duration ttl) {
    if (ttl.compareTo(Duration.ofMillis(1)) < 0
        || ttl.compareTo(Duration.ofMillis(Limits.TTL_MAX)) > 0) {
      throw new InvalidRequestException(
          "a time to live is 1 ms to 100 years: ttl=%s max=%s"
              .formatted(ttl, Duration.ofMillis(Limits.TTL_MAX)));
    }
  }
}
