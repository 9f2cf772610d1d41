package dev.sealbuf.server.segment;

/// What a segment holds.
public enum SegmentKind {
  /// Tables of the catalog; the first one the header too.
  CATALOG,

  /// Records and small payloads.
  SLAB,

  /// What one producer wrote: one buffer, or one batch.
  DEDICATED
}
