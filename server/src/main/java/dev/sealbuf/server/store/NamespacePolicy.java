package dev.sealbuf.server.store;

import java.util.OptionalLong;

/// What happens to the buffers of a namespace without anybody asking for it.
///
/// @param ttlMillis how long a buffer lives that was published without a time to live
public record NamespacePolicy(Eviction eviction, OptionalLong ttlMillis) {
  /// What goes when there is no room.
  public enum Eviction {
    /// Nothing: who publishes is refused.
    NONE,
    /// The buffers that were published first, except those that somebody holds.
    OLDEST
  }

  /// Nothing.
  public static final NamespacePolicy DEFAULT =
      new NamespacePolicy(Eviction.NONE, OptionalLong.empty());
}
