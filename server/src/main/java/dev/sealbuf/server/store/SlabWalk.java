package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.server.segment.Slab;
import java.util.Optional;

/// Finds all that is published, in the order of places: slab by slab, record by record.
///
/// Records say where they end, so a slab can be walked from its start; a record is live if the
/// catalog leads its name to exactly this place. Nothing is kept between two parts of a walk but
/// the place where it goes on, and that stays good whatever happens meanwhile: records are only
/// appended, and moved ahead. So who is live throughout, and is not replaced, is met at least once;
/// who is moved meanwhile may be met twice.
///
/// A place that a client made up leads into a payload, where nothing is live and the next step is
/// anywhere ahead.
///
/// It works on the loop and in slices; a [Budget] bounds each.
final class SlabWalk {
  /// Does something with a live record; false when the walk shall stop before it.
  @FunctionalInterface
  interface Visitor {
    boolean visit(BufferRecord record, Place place);
  }

  /// What a part of a walk may cost, in steps of some 30 ns.
  static final class Budget {
    private long steps;

    Budget(long steps) {
      this.steps = steps;
    }

    /// Takes what a visitor did into account.
    void spend(long count) {
      steps -= count;
    }

    boolean isSpent() {
      return steps <= 0;
    }
  }

  /// To look whether a record is live, which is a cache miss or two.
  private static final int LOOK = 4;

  /// To find the next slab and see whether anything in it matters.
  private static final int SLAB = 4;

  /// To read a record, besides a step for each axis and for so many chars of the format.
  private static final int READ = 15;

  private static final long CHARS = 32;

  private final Catalog catalog;
  private final Slabs slabs;

  SlabWalk(Catalog catalog, Slabs slabs) {
    this.catalog = catalog;
    this.slabs = slabs;
  }

  /// The record at a place, if it is there and live.
  Optional<BufferRecord> live(Place place) {
    boolean live = slabs.find(place.slab()).isPresent() && catalog.leadsTo(place);
    return live ? Optional.of(read(slabs.get(place.slab()), place)) : Optional.empty();
  }

  /// Visits live records from a place on, until the budget is spent or the visitor says stop.
  ///
  /// @param until records of greater versions are passed over, and slabs that have no others
  /// @return where to go on; empty when all has been visited
  Optional<Place> walk(Place from, long until, Budget budget, Visitor visitor) {
    Place at = from;
    for (Optional<Slab> slab = slabs.from(at.slab());
        slab.isPresent();
        slab = slabs.from(at.slab())) {
      if (budget.isSpent()) {
        return Optional.of(at);
      }
      Slab current = slab.get();
      long start = current.number() == at.slab() ? at.offset() : 0;
      at = walk(current, start, until, budget, visitor);
      if (at.slab() == current.number()) {
        return Optional.of(at);
      }
    }
    return Optional.empty();
  }

  /// Visits live records of one slab, from byte `start` on. A visitor who takes the last one away
  /// ends the slab, which is not looked at any more then.
  ///
  /// @return where to go on: in this slab, or at the start of the next
  Place walk(Slab slab, long start, long until, Budget budget, Visitor visitor) {
    boolean nothing = slab.live() == 0 || slab.oldestVersion() > until;
    long at = nothing ? slab.position() : start;
    while (at <= slab.position() - RecordLayout.SHAPE && slab.live() > 0) {
      Place place = new Place(slab.number(), at);
      if (budget.isSpent()) {
        return place;
      }
      budget.spend(LOOK);
      long next = Math.max(slab.end(at), at + RecordLayout.ALIGNMENT);
      if (catalog.leadsTo(place)) {
        BufferRecord record = read(slab, place);
        budget.spend(READ + cost(record.description()));
        if (record.version() <= until && !visitor.visit(record, place)) {
          return place;
        }
      }
      at = next;
    }
    budget.spend(SLAB);
    return new Place(slab.number() + 1, 0);
  }

  private static long cost(Description description) {
    return description.ndim() + description.format().length() / CHARS;
  }

  private static BufferRecord read(Slab slab, Place place) {
    try {
      return BufferRecord.read(slab.memory(), place.offset());
    } catch (LayoutException e) {
      throw new IllegalStateException("a place leads to a record: place=" + place, e);
    }
  }
}
