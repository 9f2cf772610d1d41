package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.SegmentKind;

/// Segments as sessions are handed them: descriptors that are fresh, and a row in the [Ledger] for
/// each. Slabs and catalog segments are asked for by number, which is all that a word of the
/// catalog says; dedicated ones come with the buffer that is opened.
final class Handouts {
  private final Memory memory;
  private final HeldSegments held;
  private final Ledger ledger;

  Handouts(Memory memory, HeldSegments held, long heapBytes) {
    this.memory = memory;
    this.held = held;
    this.ledger = new Ledger(heapBytes, this::exists);
  }

  Ledger ledger() {
    return ledger;
  }

  /// A session begins: what it maps first.
  ///
  /// @param client what it calls itself
  CatalogHandle begin(Peer peer, String client) throws Refusal {
    CatalogHandle handle = memory.openCatalog();
    ledger.begin(peer, client);
    ledger.handed(peer, SegmentKey.of(SegmentKind.CATALOG, handle.segment()));
    return handle;
  }

  /// A slab or a catalog segment.
  SegmentHandle map(Peer peer, long segment) throws Refusal {
    SegmentHandle handle = memory.open(segment);
    handed(peer, SegmentKey.of(SegmentKind.SLAB, segment));
    return handle;
  }

  /// The peer is given what a buffer lies in.
  Location opened(Peer peer, Location place) {
    handed(peer, SegmentKey.of(SegmentKind.SLAB, place.slab()));
    if (place.segment() != 0) {
      handed(peer, SegmentKey.of(SegmentKind.DEDICATED, place.segment()));
    }
    return place;
  }

  /// By a hold it may be of a segment that is let go of already.
  private void handed(Peer peer, long key) {
    ledger.handed(peer, key);
    held.handed(peer.uid(), key);
  }

  private boolean exists(long key) {
    return held.contains(key) || memory.contains(key);
  }
}
