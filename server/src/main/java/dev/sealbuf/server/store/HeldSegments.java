package dev.sealbuf.server.store;

import dev.sealbuf.memory.Lease;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.server.segment.SharedSegment;
import dev.sealbuf.server.segment.Workers;
import dev.sealbuf.server.watch.Watch;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Queue;
import java.util.SequencedMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;

/// Segments to which nothing leads any more, until their memory is the system's again.
///
/// Nothing revokes a mapping, so a deleted buffer takes memory for as long as anybody looks at it.
/// What is held counts against the capacity; what is not is given back at once.
///
/// **When?** To ask, to watch and to hand over to a worker takes some 30 us, which whoever deleted
/// or replaced does not wait for: segments are let go of behind the turn in which their last name
/// goes. A session may end with a thousand unfinished buffers: so it is a few at a time, and the
/// rest wait, charged as they were, for slices of their own. Who finds the account full meanwhile
/// takes from those that wait first.
///
/// **Is it held?** [Lease] answers on the spot. FREE: the charge ends with the request that let go,
/// and a worker closes the segment. HELD: the charge becomes one of held memory.
///
/// **Until when?** The daemon closes its own description in both cases; [Watch] then says when the
/// last of all others is gone. A segment that was FREE and is still there a moment after it was
/// closed is kept by something that leases do not see (a descriptor opened with O_PATH): it is
/// charged after all, though there may be no room for it.
///
/// Where inotify does not work, or has no watches left, a held segment stays open and is asked
/// about again and again. Where leases do not work either nothing is known to be held.
final class HeldSegments implements AutoCloseable {
  /// How long a closed segment may take to be reported gone before it counts as held; also how
  /// often is looked.
  private static final long LOOK_MILLIS = 100;

  /// Segments that one look considers: with a lease each, below a millisecond.
  private static final int LOOKS_AT_ONCE = 128;

  /// Segments that one turn lets go of: a millisecond.
  static final int LET_GO_AT_ONCE = 32;

  /// A segment to which nothing leads any more and that has not been asked about.
  private record Waiting(SharedSegment segment, Account.Charge charge, String name) {}

  /// A segment that a worker has closed, and when.
  private record Closed(HeldSegment segment, long nanos) {}

  /// A segment that is held and kept open to be asked about.
  private record Kept(HeldSegment segment, SharedSegment open) {}

  private final Account account;
  private final Quota quota;
  private final Workers workers;
  private final Watch watch;
  private final Gauges gauges;
  private final Clock clock;
  private final SequencedMap<Long, Waiting> waiting = new LinkedHashMap<>();
  private final NavigableMap<Long, HeldSegment> segments = new TreeMap<>();
  private final Map<Long, Watch.Registration> watches = new HashMap<>();
  private final Queue<Closed> closed = new ArrayDeque<>();
  private final Queue<Kept> kept = new ArrayDeque<>();
  private LongConsumer goneListener = _ -> {};
  private LongFunction<Set<Integer>> holders = _ -> Set.of();

  private boolean slicing;
  private boolean looking;
  private boolean closing;

  HeldSegments(
      Account account, Quota quota, Workers workers, Watch watch, Gauges gauges, Clock clock) {
    this.account = account;
    this.quota = quota;
    this.workers = workers;
    this.watch = watch;
    this.gauges = gauges;
    this.clock = clock;

    account.whenShort(this::letGoNext);
    quota.whenShort(this::letGoNext);
  }

  /// Who hears, by [SegmentKey], which segments are gone.
  void onGone(LongConsumer listener) {
    goneListener = listener;
  }

  /// Who knows, by [SegmentKey], which uids may hold a segment.
  void whoHolds(LongFunction<Set<Integer>> uids) {
    holders = uids;
  }

  /// One uid more may hold a segment.
  void handed(int uid, long key) {
    HeldSegment segment = segments.get(key);
    if (segment != null && segment.isHeld()) {
      segment.holdAsWell(quota, uid);
    }
  }

  /// What is not gone: held, or on its way.
  Collection<HeldSegment> all() {
    return Collections.unmodifiableCollection(segments.values());
  }

  /// Whether a slab or catalog segment that was let go of is still somebody's.
  boolean isHeld(SegmentKind kind, long number) {
    HeldSegment segment = segments.get(SegmentKey.of(kind, number));
    return segment != null && segment.isHeld();
  }

  /// Whether the segment of a [SegmentKey] is not gone.
  boolean contains(long key) {
    return segments.containsKey(key) || waiting.containsKey(key);
  }

  /// Whether memory is on its way back that is still charged, or that a worker still has.
  boolean isGivingBack() {
    return !waiting.isEmpty() || account.isClosing();
  }

  /// The first that is held, with this key or a greater one.
  Optional<HeldSegment> heldFrom(long key) {
    return segments.tailMap(key, true).values().stream().filter(HeldSegment::isHeld).findFirst();
  }

  /// Takes over a segment that many buffers shared.
  void letGo(SharedSegment segment, Account.Charge charge) {
    letGo(segment, charge, "");
  }

  /// Takes over a segment to which nothing leads any more, with its charge.
  ///
  /// @param name of the buffer that it was
  void letGo(SharedSegment segment, Account.Charge charge, String name) {
    Waiting next = new Waiting(segment, charge, name);
    if (closing) {
      letGo(next);
      return;
    }
    waiting.put(SegmentKey.of(segment.kind(), segment.number()), next);
    if (!slicing) {
      slicing = true;
      workers.soon(this::slice);
    }
  }

  private void slice() {
    slicing = false;
    for (int i = 0; i < LET_GO_AT_ONCE && letGoNext(); i++) {}
    if (!waiting.isEmpty()) {
      slicing = true;
      workers.later(0, this::slice); // the loop looks at its sockets before that
    }
  }

  /// False when none waits.
  private boolean letGoNext() {
    Map.Entry<Long, Waiting> next = waiting.pollFirstEntry();
    if (next == null) {
      return false;
    }
    letGo(next.getValue());
    return true;
  }

  private void letGo(Waiting next) {
    SharedSegment segment = next.segment;
    Account.Charge charge = next.charge;
    HeldSegment letGo = new HeldSegment(segment, next.name, charge);
    boolean held = !closing && gauges.lease() && probe(segment) == Lease.Answer.HELD;
    if (held) {
      letGo.hold(quota, holders.apply(key(letGo)));
    } else {
      charge.close();
      account.closing(letGo.bytes());
    }
    if (!closing && isWatched(letGo, segment)) {
      segments.put(key(letGo), letGo);
      workers.call(() -> close(segment), _ -> closed(letGo, held), HeldSegments::failed);
    } else if (held) {
      segments.put(key(letGo), letGo);
      workers.call(() -> unmap(segment), _ -> keep(letGo, segment), HeldSegments::failed);
    } else {
      workers.call(() -> close(segment), _ -> closedForGood(letGo), HeldSegments::failed);
    }
  }

  private static SharedSegment close(SharedSegment segment) {
    segment.close();
    return segment;
  }

  private static SharedSegment unmap(SharedSegment segment) {
    segment.unmap();
    return segment;
  }

  private static void failed(Throwable failure) {
    throw new IllegalStateException("letting go failed", failure);
  }

  private static Lease.Answer probe(SharedSegment segment) {
    try {
      return Lease.probe(segment.description());
    } catch (IOException _) {
      return Lease.Answer.UNKNOWN;
    }
  }

  private boolean isWatched(HeldSegment letGo, SharedSegment segment) {
    if (!gauges.inotify()) {
      return false;
    }
    try {
      watches.put(key(letGo), watch.memory(segment.description(), () -> gone(letGo)));
      return true;
    } catch (IOException _) {
      return false;
    }
  }

  private void closedForGood(HeldSegment segment) {
    account.closing(-segment.bytes());
    gone(segment);
  }

  private void closed(HeldSegment segment, boolean held) {
    segment.charge().descriptorClosed();
    if (!held) {
      account.closing(-segment.bytes());
    }
    if (segments.containsKey(key(segment)) && !segment.isHeld()) {
      closed.add(new Closed(segment, clock.nanos()));
      lookLater();
    }
  }

  private void keep(HeldSegment segment, SharedSegment open) {
    kept.add(new Kept(segment, open));
    if (closing) {
      closeKept();
    }
    lookLater();
  }

  private void gone(HeldSegment segment) {
    segments.remove(key(segment));
    watches.remove(key(segment));
    segment.charge().close();
    goneListener.accept(key(segment));
  }

  private void lookLater() {
    if (!looking && !closing && !(closed.isEmpty() && kept.isEmpty())) {
      looking = true;
      workers.callLater(LOOK_MILLIS, () -> this, HeldSegments::look, HeldSegments::failed);
    }
  }

  private void look() {
    looking = false;
    lookAtClosed();
    for (int i = Math.min(kept.size(), LOOKS_AT_ONCE); i > 0; i--) {
      ask(kept.remove());
    }
    lookLater();
  }

  private void lookAtClosed() {
    long before = clock.nanos() - LOOK_MILLIS * 1_000_000;
    for (int i = 0; i < LOOKS_AT_ONCE; i++) {
      Closed next = closed.peek();
      if (next == null || next.nanos - before > 0) {
        return;
      }
      closed.remove();
      if (segments.containsKey(key(next.segment))) {
        next.segment.holdAfterAll(account, quota, holders.apply(key(next.segment)));
      }
    }
  }

  private void ask(Kept next) {
    if (probe(next.open) == Lease.Answer.HELD) {
      kept.add(next);
    } else {
      workers.call(() -> close(next.open), _ -> gone(next.segment), HeldSegments::failed);
    }
  }

  private static long key(HeldSegment segment) {
    return SegmentKey.of(segment.kind(), segment.number());
  }

  /// Lets go of everything; what others hold is theirs. The workers end after this.
  @Override
  public void close() {
    closing = true;
    while (letGoNext()) {}
    watches.values().forEach(Watch.Registration::close);
    watches.clear();
    closeKept();
  }

  private void closeKept() {
    for (Kept next = kept.poll(); next != null; next = kept.poll()) {
      workers.dispose(next.open);
    }
  }
}
