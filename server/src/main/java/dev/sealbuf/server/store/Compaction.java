package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.server.segment.Workers;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.TimeUnit;

/// Gives back the memory of slabs in which little is live: copies what is live to the open slab,
/// leads the names there one by one, and the slab goes when its last name has.
///
/// A copy is the same publication: same buffer, same version, same bytes. A reader who loaded the
/// old word finds the old record as it was; views of it stay what they are.
///
/// **When it pays** (measured in ADR 6). To copy a buffer costs the loop about what it cost to put
/// it, less if it is large. A slab of which five eighths are live or more is left alone: freeing a
/// byte costs the copying of at most five thirds. It begins when such slabs waste an eighth of all
/// slab memory, and goes on until they waste next to nothing: every emptied slab makes every reader
/// map another one, so it shall not do that for each deletion.
///
/// **When it does not.** Slabs that are still held after they were emptied, because somebody views
/// a buffer in them, take memory twice. So it does not go on while a few are.
///
/// **In a full store** there is no room for a slab to copy to, and it is most needed. So the
/// account lends it one slab beyond the capacity, which nobody else may use until the capacity is
/// respected again ([Slabs]), as long as the control group has room. All that is live in a sparse
/// slab fits into it; so the next slab that goes pays it back, and then the next may be lent. It
/// does not stop before. Only slabs that readers hold on to can keep it waiting.
///
/// It works in slices, a fifth of the loop's time at most.
final class Compaction {
  /// Emptied slabs that may be held at a time; less in a small store.
  private static final int HELD_MAX = 32;

  private static final int PART_HELD_MAX = 8;

  /// What is wasted when it begins: this, and this part of all.
  private static final long WASTE_MIN = 2 * Slab.BYTES;

  private static final int PART_WASTED = 8;

  private static final long SLICE_NANOS = TimeUnit.MICROSECONDS.toNanos(500);
  private static final long PAUSE_MILLIS = 2;

  /// How long it waits for room, or for readers to let go.
  private static final long PATIENCE_MILLIS = 250;

  /// A slice in which nothing is found ends too.
  private static final long SLICE_STEPS = 16_384;

  /// Until a worker has asked whether an emptied slab is held.
  private static final long ASKED_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /// A slab that was emptied, and when.
  private record Emptied(long number, long nanos) {}

  private final PublishedBuffers published;
  private final Slabs slabs;
  private final SlabWalk walk;
  private final HeldSegments held;
  private final Workers workers;
  private final Clock clock;
  private final Queue<Emptied> emptied = new ArrayDeque<>();
  private Place next = Place.START;
  private boolean scheduled;
  private boolean noRoom;

  Compaction(
      PublishedBuffers published,
      Slabs slabs,
      SlabWalk walk,
      HeldSegments held,
      Workers workers,
      Clock clock) {
    this.published = published;
    this.slabs = slabs;
    this.walk = walk;
    this.held = held;
    this.workers = workers;
    this.clock = clock;
    slabs.onSparse(() -> {
      if (pays()) {
        schedule(PAUSE_MILLIS);
      }
    });
  }

  private boolean pays() {
    long wasted = slabs.sparseBytes();
    return wasted >= WASTE_MIN && wasted >= slabs.count() * Slab.BYTES / PART_WASTED;
  }

  /// Once begun: what is freed is more than the slab to copy to takes. What was lent is paid back.
  private boolean stillPays() {
    return slabs.sparseBytes() >= WASTE_MIN || (slabs.isLent() && slabs.sparsest().isPresent());
  }

  private void schedule(long millis) {
    if (!scheduled) {
      scheduled = true;
      workers.later(millis, this::slice);
    }
  }

  private void slice() {
    noRoom = false;
    boolean waits = isHeldBack();
    if (!waits) {
      victim().ifPresent(this::empty);
    }
    scheduled = false;
    if (stillPays()) {
      schedule(waits || noRoom ? PATIENCE_MILLIS : PAUSE_MILLIS);
    }
  }

  /// The slab that was begun, if it still is one to empty, else the sparsest.
  private Optional<Slab> victim() {
    Optional<Slab> begun = slabs.find(next.slab());
    if (begun.isPresent()) {
      return begun;
    }
    Optional<Slab> sparsest = slabs.sparsest();
    sparsest.ifPresent(slab -> next = new Place(slab.number(), 0));
    return sparsest;
  }

  /// Copies from a slab until the slice ends or nothing in it is live.
  private void empty(Slab slab) {
    long end = clock.nanos() + SLICE_NANOS;
    SlabWalk.Budget budget = new SlabWalk.Budget(SLICE_STEPS);
    Place stopped =
        walk.walk(
            slab,
            next.offset(),
            Long.MAX_VALUE,
            budget,
            (record, place) -> clock.nanos() - end < 0 && copy(slab, record, place));
    next = stopped.slab() == slab.number() ? stopped : Place.START;
    if (slab.live() == 0) {
      emptied.add(new Emptied(slab.number(), clock.nanos()));
    }
  }

  private boolean copy(Slab from, BufferRecord record, Place place) {
    try {
      Slab to = slabs.withRoomForCopy(from.end(place.offset()) - place.offset());
      Place copy = new Place(to.number(), to.appendCopy(from, place.offset()));
      published.move(record, place, copy);
      return true;
    } catch (Refusal _) {
      noRoom = true;
      return false;
    }
  }

  private boolean isHeldBack() {
    long now = clock.nanos();
    emptied.removeIf(
        slab -> now - slab.nanos > ASKED_NANOS && !held.isHeld(SegmentKind.SLAB, slab.number));
    int max = Math.clamp(slabs.count() / PART_HELD_MAX, 1, HELD_MAX);
    return emptied.size() >= max;
  }
}
