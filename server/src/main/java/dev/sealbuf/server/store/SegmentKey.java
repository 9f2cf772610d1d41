package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.SegmentKind;

/// A segment's kind and number in one word, for tables that hold very many.
///
/// Catalog segments and slabs are numbered together, so two kinds are enough. Dedicated numbers
/// have 53 bits at most. No key is 0.
final class SegmentKey {
  private SegmentKey() {}

  static long of(SegmentKind kind, long number) {
    return number << 1 | (kind == SegmentKind.DEDICATED ? 1 : 0);
  }

  static boolean isDedicated(long key) {
    return (key & 1) != 0;
  }

  static long number(long key) {
    return key >>> 1;
  }
}
