package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.SharedSegment;

/// The end of slabs and catalog segments to which nothing leads any more.
///
/// They leave the daemon's tables at once, so no reader is handed them again; the header tells the
/// readers that have them mapped. Whether anybody has is [HeldSegments]' business: a lease does not
/// count the daemon's own mappings, which a worker ends.
final class Retirement {
  private final CatalogHeader header;
  private final HeldSegments held;

  Retirement(CatalogHeader header, HeldSegments held) {
    this.header = header;
    this.held = held;
  }

  void retire(SharedSegment segment, Account.Charge charge) {
    header.retire(segment.number());
    held.letGo(segment, charge);
  }
}
