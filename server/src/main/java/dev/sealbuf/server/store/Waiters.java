package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.store.Parked.Line;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Requests that are parked until something happens to a name: `open`, `reserve` and `take`.
///
/// A parked request is an attempt that is made again when its name was published, or is no longer
/// being written. Nothing else is remembered: whether it can be met is decided anew each time, by
/// the same code that decides it when it comes, so a name that went again in the meantime is simply
/// not there. Attempts are made for a slice of a turn of the loop and go on in the next: a thousand
/// that wait at one name hold nobody up. The first are made before the producer hears that its
/// buffer is published: who is told first runs first, and the producer has all the time. A deadline
/// is a timer of the loop; a session that ends takes its requests along.
///
/// Parked requests live on the heap, so their number is bounded: per session by the protocol, and
/// in all.
final class Waiters implements PublicationListener {
  private static final long SLICE_NANOS = 1_000_000;

  /// For how long a producer's reply waits for those of its readers.
  private static final long FIRST_SLICE_NANOS = 50_000;

  /// Name, timer, places in the tables, and what is needed to answer.
  private static final int HEAP_PER_REQUEST = 1024;

  private final ScheduledExecutorService loop;
  private final Executor turns;
  private final Clock clock;
  private final HeapPlaces places;
  private final Map<Line, Map<Name, NavigableSet<Parked<?>>>> lines = new EnumMap<>(Line.class);
  private final Map<Long, Set<Parked<?>>> bySession = new HashMap<>();

  /// Names to which something happened since their waiters were looked at.
  private final SequencedSet<Name> changed = new LinkedHashSet<>();

  private boolean scheduled;
  private boolean serving;
  private long arrivals;

  /// @param turns runs tasks on the loop, and looks after the sockets between any two
  Waiters(ScheduledExecutorService loop, Executor turns, Clock clock, long heapBytes) {
    this.loop = loop;
    this.turns = turns;
    this.clock = clock;
    this.places = new HeapPlaces("parked requests", heapBytes, HEAP_PER_REQUEST);
    for (Line line : Line.values()) {
      lines.put(line, new HashMap<>());
    }
  }

  /// How many are parked.
  int count() {
    return places.taken();
  }

  /// Whether somebody is parked in this line, whom others in it must not overtake.
  boolean isOccupied(Line line, Name name) {
    return line(line).containsKey(name);
  }

  /// Parks a request for so many milliseconds.
  <T> CompletionStage<T> park(Parked.Place place, long millis, Parked.Attempt<T> attempt)
      throws Refusal {
    requireQuota(place.peer());
    places.take(place.peer().uid());
    Parked<T> parked = new Parked<>(place, ++arrivals, attempt);
    parked.leavesAt(loop.schedule(() -> timeOut(parked, millis), millis, TimeUnit.MILLISECONDS));
    line(place.line()).computeIfAbsent(place.name(), _ -> new TreeSet<>(Parked.ORDER)).add(parked);
    bySession.computeIfAbsent(place.peer().session(), _ -> new HashSet<>()).add(parked);
    return parked.reply();
  }

  @Override
  public void published(BufferRecord record) {
    if (count() > 0) {
      changed(Name.of(record));
    }
  }

  /// Nobody waits for that.
  @Override
  public void deleted(BufferRecord record) {}

  /// Something happened to the name: who waits at it is looked at soon.
  void changed(Name name) {
    if (lines.values().stream().anyMatch(line -> line.containsKey(name))) {
      changed.add(name);
      if (!scheduled) {
        scheduled = true;
        loop.execute(this::serveChanged);
      }
    }
  }

  /// Answers the first who wait for what was published in this turn.
  void serveFirst() {
    if (!serving && !changed.isEmpty()) {
      var _ = serveUntil(clock.nanos() + FIRST_SLICE_NANOS);
    }
  }

  /// Nobody is left to answer.
  void endSession(long session) {
    List.copyOf(bySession.getOrDefault(session, Set.of())).forEach(this::remove);
  }

  /// Everybody leaves without an answer.
  void endAll() {
    List.copyOf(bySession.keySet()).forEach(this::endSession);
  }

  private void serveChanged() {
    scheduled = false;
    if (!serveUntil(clock.nanos() + SLICE_NANOS)) {
      scheduled = true;
      turns.execute(this::serveChanged);
    }
  }

  /// Looks at those who wait at the names to which something happened; false when the slice ended
  /// first. An answer may let its session go on, which may publish something in turn: whoever waits
  /// for that is answered by this same loop, when nobody is half answered.
  private boolean serveUntil(long sliceEnd) {
    serving = true;
    try {
      while (!changed.isEmpty()) {
        Name name = changed.removeFirst();
        if (!serve(name, sliceEnd)) {
          changed.add(name);
        }
        if (!changed.isEmpty() && clock.nanos() - sliceEnd > 0) {
          return false;
        }
      }
      return true;
    } finally {
      serving = false;
    }
  }

  /// False when the slice ended first.
  private boolean serve(Name name, long sliceEnd) {
    for (Line line : Line.values()) {
      for (Optional<Parked<?>> front = front(line, name);
          front.isPresent() && front.get().answer();
          front = front(line, name)) {
        remove(front.get());
        if (clock.nanos() - sliceEnd > 0) {
          return false;
        }
      }
    }
    return true;
  }

  private Optional<Parked<?>> front(Line line, Name name) {
    return Optional.ofNullable(line(line).get(name)).map(NavigableSet::first);
  }

  private void timeOut(Parked<?> parked, long millis) {
    remove(parked);
    parked.refuse(
        new Refusal(
            ErrorCode.TIMEOUT,
            "the wait for a name ended without it: name=%s waited_ms=%d"
                .formatted(parked.place().name(), millis)));
  }

  /// Does nothing to one that has left.
  private void remove(Parked<?> parked) {
    Parked.Place place = parked.place();
    Set<Parked<?>> ofSession = bySession.getOrDefault(place.peer().session(), Set.of());
    if (!ofSession.contains(parked)) {
      return;
    }
    parked.forgetDeadline();
    removeFrom(bySession, place.peer().session(), parked);
    removeFrom(line(place.line()), place.name(), parked);
    places.give(place.peer().uid());
  }

  private static <K, S extends Set<Parked<?>>> void removeFrom(
      Map<K, S> sets, K key, Parked<?> parked) {
    sets.computeIfPresent(
        key,
        (_, set) -> {
          set.remove(parked);
          return set.isEmpty() ? null : set;
        });
  }

  private Map<Name, NavigableSet<Parked<?>>> line(Line line) {
    return lines.getOrDefault(line, Map.of());
  }

  private void requireQuota(Peer peer) throws Refusal {
    int own = bySession.getOrDefault(peer.session(), Set.of()).size();
    if (own >= Limits.PARKED_MAX) {
      throw new Refusal(
          ErrorCode.QUOTA_EXCEEDED,
          "too many parked requests of one session: parked=%d max=%d"
              .formatted(own, Limits.PARKED_MAX));
    }
  }
}
