package dev.sealbuf.server.store;

import java.util.OptionalLong;

/// On what terms a buffer is published.
///
/// @param replace the name may be taken by a published buffer, which this one replaces in one step
/// @param ttlMillis how long the name lives, from the publication on
/// @param session the name goes with the session of who publishes it
/// @param reservation id of the reservation of the name that this buffer makes use of
/// @param form what is said of it; the buffers of a batch say it one by one
public record Terms(
    boolean replace, OptionalLong ttlMillis, boolean session, OptionalLong reservation, Form form) {
  /// A name that nobody has, for as long as nobody deletes it.
  public static final Terms PLAIN = new Terms(false, OptionalLong.empty(), OptionalLong.empty());

  /// Of which nothing is said, and which outlives its session.
  public Terms(boolean replace, OptionalLong ttlMillis, OptionalLong reservation) {
    this(replace, ttlMillis, false, reservation, Form.PLAIN);
  }

  /// The same, but that it does not keep the frame it came in.
  Terms kept() {
    return new Terms(replace, ttlMillis, session, reservation, form.copy());
  }

  /// The same, but that a name which was told no time to live has this one.
  Terms withDefault(OptionalLong ttl) {
    return ttlMillis.isPresent() ? this : new Terms(replace, ttl, session, reservation, form);
  }
}
