package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;

/// Hears, on the loop, where records of live names lie.
@FunctionalInterface
interface PlaceListener {
  /// A record is published, or was moved.
  void placed(BufferRecord record, Place place);
}
