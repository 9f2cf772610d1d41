package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;

/// What a watcher is told.
public sealed interface Event {
  /// A name is published or replaced.
  record Sealed(BufferRecord record) implements Event {}

  /// A name is gone.
  record Deleted(BufferRecord record) implements Event {}

  /// The watcher was not told of something.
  ///
  /// @param version of the last publication
  record Overflow(long version) implements Event {}
}
