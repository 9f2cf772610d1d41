package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;

/// Buffers that stay openable though their names may go: what a handle on its way to another
/// process needs.
///
/// A hold is the place where the record lay when it was asked for, and the segments that are needed
/// to read there ([KeptSegments]). Records never change and memory is never used again, so the
/// place stays good after the name was deleted, replaced or moved. While the name is still that
/// buffer's it is opened as usual, at the place where it is now.
///
/// It ends with its first opening, or after HOLD_SECONDS on the monotonic clock. All last equally
/// long, so the oldest comes first in the map, and one timer looks at it, as long as there is one.
/// Nothing can be held up for longer than that: neither compaction, which leaves the old slab to
/// the hold, nor eviction, which passes over what is held.
///
/// Holds belong to the uid that asked, not to its session: who passes a handle on may end.
final class Holds implements AutoCloseable {
  /// The hold, its name, and two segments that nobody else keeps.
  private static final int HEAP_PER_HOLD = 1536;

  private static final long LIFE_NANOS = TimeUnit.SECONDS.toNanos(Limits.HOLD_SECONDS);

  private static final long TICK_MILLIS = 500;

  /// Holds that one turn of the loop ends: some 0.5 ms.
  private static final int AT_ONCE = 256;

  /// @param record where the record lies in the slab
  /// @param since by the clock's nanoseconds
  private record Hold(
      Peer peer,
      Name name,
      long buffer,
      long record,
      KeptSegments.Kept slab,
      Optional<KeptSegments.Kept> dedicated,
      long since) {
    boolean isOf(Name wanted, long id) {
      return buffer == id && name.equals(wanted);
    }
  }

  private final PublishedBuffers published;
  private final KeptSegments kept;
  private final Clock clock;
  private final RandomGenerator random;
  private final ScheduledExecutorService loop;
  private final HeapPlaces places;
  private final SequencedMap<Long, Hold> holds = new LinkedHashMap<>();
  private Future<?> nextTick = CompletableFuture.completedFuture(0);

  /// @param random of which nobody can guess the next number
  Holds(
      PublishedBuffers published,
      KeptSegments kept,
      Clock clock,
      RandomGenerator random,
      ScheduledExecutorService loop,
      long heapBytes) {
    this.published = published;
    this.kept = kept;
    this.clock = clock;
    this.random = random;
    this.loop = loop;
    this.places = new HeapPlaces("holds", heapBytes, HEAP_PER_HOLD);
  }

  /// How many there are.
  int count() {
    return holds.size();
  }

  /// Keeps a buffer openable, whatever happens to its name. Returns the number of the hold.
  long hold(Peer peer, Name name, long buffer) throws Refusal {
    PublishedBuffers.Found found = published.require(name, buffer);
    expire();
    requireQuota(peer);
    places.take(peer.uid());
    try {
      return add(held(peer, name, buffer, found));
    } catch (Refusal e) {
      places.give(peer.uid());
      throw e;
    }
  }

  private void requireQuota(Peer peer) throws Refusal {
    int own = places.taken(peer.uid());
    if (own >= Limits.HOLDS_MAX) {
      throw new Refusal(
          ErrorCode.QUOTA_EXCEEDED,
          "too many holds of one uid: holds=%d max=%d".formatted(own, Limits.HOLDS_MAX));
    }
  }

  private Hold held(Peer peer, Name name, long buffer, PublishedBuffers.Found found)
      throws Refusal {
    KeptSegments.Kept slab = kept.keep(peer, found.slab());
    try {
      Optional<KeptSegments.Kept> dedicated =
          found.dedicated().isPresent()
              ? Optional.of(kept.keep(peer, found.dedicated().get()))
              : Optional.empty();
      return new Hold(peer, name, buffer, found.place().offset(), slab, dedicated, clock.nanos());
    } catch (Refusal e) {
      kept.release(slab, peer);
      throw e;
    }
  }

  private long add(Hold hold) {
    long number = random.nextLong(1, Limits.SEQ_MAX + 1);
    while (holds.containsKey(number)) {
      number = random.nextLong(1, Limits.SEQ_MAX + 1);
    }
    holds.put(number, hold);
    if (nextTick.isDone()) {
      tickIn(TICK_MILLIS);
    }
    return number;
  }

  /// Finds a buffer that has the name still, or else by a hold.
  ///
  /// @param number of the hold, which is used up either way if there is one
  /// @param mappedSlab a slab that the peer has mapped
  Opening open(Name name, long buffer, long number, OptionalLong mappedSlab) throws Refusal {
    Optional<Hold> hold =
        Optional.ofNullable(holds.get(number))
            .filter(found -> found.isOf(name, buffer) && !isOver(found));
    if (published.isOf(name, buffer)) {
      return new Opening(published.open(name, mappedSlab), () -> end(number, hold));
    }
    Hold left =
        hold.orElseThrow(() ->
            new Refusal(
                ErrorCode.NOT_FOUND,
                "this buffer does not have this name, and no such hold is left: buffer=%d name=%s"
                    .formatted(buffer, name)));
    return new Opening(location(left, mappedSlab), () -> end(number, hold));
  }

  private static Location location(Hold hold, OptionalLong mappedSlab) throws Refusal {
    List<FreshDescriptors.Opener> openers = new ArrayList<>();
    if (mappedSlab.isEmpty() || mappedSlab.getAsLong() != hold.slab.number()) {
      openers.add(hold.slab::freshReadOnly);
    }
    hold.dedicated.ifPresent(segment -> openers.add(segment::freshReadOnly));
    return new Location(
        hold.slab.number(),
        hold.slab.bytes(),
        hold.record,
        hold.dedicated.map(KeptSegments.Kept::number).orElse(0L),
        hold.dedicated.map(KeptSegments.Kept::bytes).orElse(0L),
        FreshDescriptors.open(openers));
  }

  private void end(long number, Optional<Hold> hold) {
    if (hold.isPresent() && holds.remove(number, hold.get())) {
      release(hold.get());
    }
  }

  private void release(Hold hold) {
    places.give(hold.peer.uid());
    kept.release(hold.slab, hold.peer);
    hold.dedicated.ifPresent(segment -> kept.release(segment, hold.peer));
  }

  private boolean isOver(Hold hold) {
    return clock.nanos() - hold.since >= LIFE_NANOS;
  }

  /// Ends what is over, as much as one turn may; false when there is more.
  private boolean expire() {
    for (int i = 0; i < AT_ONCE; i++) {
      if (holds.isEmpty() || !isOver(holds.firstEntry().getValue())) {
        return true;
      }
      release(holds.pollFirstEntry().getValue());
    }
    return false;
  }

  private void tickIn(long millis) {
    nextTick = loop.schedule(this::tick, millis, TimeUnit.MILLISECONDS);
  }

  private void tick() {
    boolean done = expire();
    if (!holds.isEmpty()) {
      tickIn(done ? TICK_MILLIS : 0);
    }
  }

  /// Lets go of everything. The workers end after this.
  @Override
  public void close() {
    nextTick.cancel(false);
    holds.clear();
    kept.close();
  }
}
