package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;

/// Hears, on the loop, what becomes of names. The catalog says the same already when it is told.
public interface PublicationListener {
  /// A name is published or replaced: this is its record now.
  default void published(BufferRecord record) {}

  /// A name leads to another buffer now, which is told of next; this was its record.
  default void replaced(BufferRecord record) {}

  /// A name is gone; this was its record.
  void deleted(BufferRecord record);
}
