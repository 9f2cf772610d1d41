package dev.sealbuf.server.store;

import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.TableWord;

/// Where a record lies. Slabs are numbered in the order they are made and records are appended, so
/// places grow with time.
///
/// @param offset first byte of the record in its slab
record Place(long slab, long offset) implements Comparable<Place> {
  /// Before every record.
  static final Place START = new Place(0, 0);

  private static final int SLAB_SHIFT = 24;

  /// Where a live word leads to.
  static Place of(long word) {
    return new Place(TableWord.slab(word), TableWord.offset(word));
  }

  /// The place that [#packed] returned.
  static Place unpack(long packed) {
    long offset64 = packed & (1L << SLAB_SHIFT) - 1;
    return new Place(packed >>> SLAB_SHIFT, offset64 * RecordLayout.ALIGNMENT);
  }

  /// In one number of 52 bits; 0 at the start.
  long packed() {
    return slab << SLAB_SHIFT | offset / RecordLayout.ALIGNMENT;
  }

  @Override
  public int compareTo(Place other) {
    return Long.compare(packed(), other.packed());
  }
}
