package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.CatalogSegment;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.server.segment.Slab;
import java.util.List;
import java.util.Optional;

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
    CatalogHandle handle = catalog();
    ledger.begin(peer, client);
    ledger.handed(peer, SegmentKey.of(SegmentKind.CATALOG, handle.segment()));
    return handle;
  }

  /// The catalog's first segment, handed to nobody.
  CatalogHandle catalog() throws Refusal {
    CatalogSegment first = memory.tables().first();
    List<Fd> descriptors = FreshDescriptors.open(first::freshReadOnly);
    long daemon = memory.header().daemon();
    return new CatalogHandle(first.number(), first.bytes(), daemon, descriptors);
  }

  /// A slab or a catalog segment.
  SegmentHandle map(Peer peer, long segment) throws Refusal {
    SegmentHandle handle = map(segment);
    ledger.handed(peer, SegmentKey.of(SegmentKind.SLAB, segment));
    return handle;
  }

  private SegmentHandle map(long segment) throws Refusal {
    Optional<CatalogSegment> tables = memory.tables().find(segment);
    if (tables.isPresent()) {
      List<Fd> descriptors = FreshDescriptors.open(tables.get()::freshReadOnly);
      return new SegmentHandle(segment, tables.get().bytes(), descriptors);
    }
    Slab slab =
        memory
            .slabs()
            .find(segment)
            .orElseThrow(() ->
                new Refusal(
                    ErrorCode.NOT_FOUND,
                    "no slab or catalog segment has this number: segment=" + segment));
    return new SegmentHandle(segment, Slab.BYTES, FreshDescriptors.open(slab::freshReadOnly));
  }

  /// The peer is given what a buffer lies in.
  Location opened(Peer peer, Location place) {
    ledger.handed(peer, SegmentKey.of(SegmentKind.SLAB, place.slab()));
    if (place.segment() != 0) {
      ledger.handed(peer, SegmentKey.of(SegmentKind.DEDICATED, place.segment()));
    }
    return place;
  }

  private boolean exists(long key) {
    long number = SegmentKey.number(key);
    return held.contains(key)
        || (SegmentKey.isDedicated(key)
            ? memory.dedicated().find(number).isPresent()
            : memory.slabs().find(number).isPresent() || memory.tables().find(number).isPresent());
  }
}
