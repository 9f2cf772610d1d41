package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.SharedSegment;
import dev.sealbuf.server.segment.Workers;

/// The end of slabs and catalog segments to which nothing leads any more.
///
/// They leave the daemon's tables at once, so no reader is handed them again; the header tells the
/// readers that have them mapped. Then a worker ends the daemon's own mappings, so that the kernel
/// can be asked whether anybody else has them ([HeldSegments]).
final class Retirement {
  private final CatalogHeader header;
  private final Workers workers;
  private final HeldSegments held;

  Retirement(CatalogHeader header, Workers workers, HeldSegments held) {
    this.header = header;
    this.workers = workers;
    this.held = held;
  }

  void retire(SharedSegment segment, Account.Charge charge) {
    header.retire(segment.number());
    workers.call(
        () -> {
          segment.unmap();
          return segment;
        },
        unmapped -> held.letGo(unmapped, charge),
        failure -> {
          throw new IllegalStateException("unmapping failed: segment=" + segment, failure);
        });
  }
}
