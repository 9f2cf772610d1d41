package dev.sealbuf.server.store;

import static java.util.Objects.requireNonNull;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.Slab;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Requests that wait until the store has room.
///
/// **Who is next?** Each uid has a line: first come, first served, and the front one blocks those
/// behind it, also those that would fit. Among the fronts it goes round: of those that fit, the uid
/// that had its turn longest ago. So nobody waits behind a request of somebody else that cannot be
/// met.
///
/// **And large ones?** They would wait for as long as small ones of others come. So a front that
/// was passed over [#PASSES] times is waited for, for [#TURN_LOOKS] looks, about a second: what is
/// given back meanwhile is for nobody else in the lines. If that does not suffice it has had its
/// turn, and the others go on until somebody was passed over as often again.
///
/// **When?** When something was given back, and every [#LOOK_MILLIS], because what other programs
/// give back to the control group is told by nobody. What one is told that there is room for, the
/// next is not told as well. Room is no promise all the same: whoever is told must be quick, or
/// wait again.
final class Room {
  /// What a small buffer needs when the open slab has no room for it. Whoever waits for that may
  /// want a segment of its own, which takes less.
  private static final long SMALL = Slab.BYTES;

  /// The control group's files are not read more often.
  static final long LOOK_MILLIS = 300;

  /// How often the front of a line is passed over before it is waited for, and for how many looks.
  static final int PASSES = 16;

  static final int TURN_LOOKS = 4;

  /// Timer, reply, places in the tables.
  private static final int HEAP_PER_REQUEST = 512;

  /// One that waits.
  private static final class Waiter {
    final Peer peer;
    final long nbytes;
    final CompletableFuture<Long> reply = new CompletableFuture<>();
    Future<?> deadline = CompletableFuture.completedFuture(0);
    int passedOver;
    int looksLeft = TURN_LOOKS;

    Waiter(Peer peer, long nbytes) {
      this.peer = peer;
      this.nbytes = nbytes;
    }
  }

  private final Account account;
  private final Slabs slabs;
  private final ScheduledExecutorService loop;
  private final HeapPlaces places;

  /// By uid, the one that had its turn longest ago first; none is empty.
  private final SequencedMap<Integer, Deque<Waiter>> lines = new LinkedHashMap<>();

  private final Map<Long, Integer> ofSession = new HashMap<>();
  private boolean scheduled;
  private Future<?> nextLook = CompletableFuture.completedFuture(0);

  Room(Account account, Slabs slabs, ScheduledExecutorService loop, long heapBytes) {
    this.account = account;
    this.slabs = slabs;
    this.loop = loop;
    this.places = new HeapPlaces("parked requests", heapBytes, HEAP_PER_REQUEST);
    account.whenChanged(this::changed);
  }

  /// How many wait.
  int waiting() {
    return places.taken();
  }

  /// Answers when there is room for so many bytes more.
  ///
  /// @param millis how long that may take; 0: not at all
  CompletionStage<Long> await(Peer peer, long nbytes, long millis) {
    Waiter waiter = new Waiter(peer, nbytes);
    if (mayGoAtOnce(waiter)) {
      passOver(fronts());
      return CompletableFuture.completedStage(nbytes);
    }
    try {
      requireHope(nbytes, millis);
      requireQuota(peer);
      places.take(peer.uid());
    } catch (Refusal e) {
      return CompletableFuture.failedStage(e);
    }
    ofSession.merge(peer.session(), 1, Integer::sum);
    lines.computeIfAbsent(peer.uid(), _ -> new ArrayDeque<>()).add(waiter);
    if (nextLook.isDone()) {
      lookLater();
    }
    waiter.deadline = loop.schedule(() -> timeOut(waiter, millis), millis, TimeUnit.MILLISECONDS);
    return waiter.reply;
  }

  /// Nobody is left to answer.
  void endSession(long session) {
    if (ofSession.containsKey(session)) {
      all().stream().filter(each -> each.peer.session() == session).forEach(this::leave);
      changed();
    }
  }

  /// Everybody leaves without an answer.
  void endAll() {
    all().forEach(this::leave);
    nextLook.cancel(false);
  }

  private List<Waiter> all() {
    return lines.values().stream().flatMap(Deque::stream).toList();
  }

  private boolean fits(long nbytes, long room) {
    return nbytes > Limits.PUT_MAX
        ? DedicatedSegment.bytesFor(nbytes) <= room
        : hasSmall(nbytes, room);
  }

  private boolean hasSmall(long nbytes, long room) {
    return room >= SMALL || slabs.hasRoom(nbytes + SMALL / 8);
  }

  private void changed() {
    if (!scheduled && !lines.isEmpty()) {
      scheduled = true;
      loop.execute(this::serve);
    }
  }

  private void serve() {
    scheduled = false;
    long room = account.room();
    for (Optional<Waiter> next = next(room); next.isPresent(); next = next(room)) {
      Waiter met = next.get();
      room -= DedicatedSegment.bytesFor(met.nbytes);
      hadItsTurn(met);
      leave(met);
      met.reply.complete(met.nbytes);
    }
  }

  /// Who is met now. Those that it goes ahead of are passed over.
  private Optional<Waiter> next(long room) {
    Optional<Waiter> waitedFor = waitedFor();
    if (waitedFor.isPresent()) {
      return waitedFor.filter(front -> fits(front.nbytes, room));
    }
    List<Waiter> ahead = new ArrayList<>();
    for (Waiter front : fronts()) {
      if (fits(front.nbytes, room)) {
        passOver(ahead);
        return Optional.of(front);
      }
      ahead.add(front);
    }
    return Optional.empty();
  }

  private boolean mayGoAtOnce(Waiter waiter) {
    return !lines.containsKey(waiter.peer.uid())
        && waitedFor().isEmpty()
        && fits(waiter.nbytes, account.room());
  }

  private List<Waiter> fronts() {
    return lines.values().stream().map(Deque::element).toList();
  }

  /// The front that was passed over often enough.
  private Optional<Waiter> waitedFor() {
    return lines.values().stream()
        .map(Deque::element)
        .filter(front -> front.passedOver >= PASSES)
        .findFirst();
  }

  private static void passOver(List<Waiter> fronts) {
    fronts.forEach(front -> front.passedOver++);
  }

  private void hadItsTurn(Waiter front) {
    int uid = front.peer.uid();
    lines.putLast(uid, requireNonNull(lines.get(uid)));
  }

  private void lookLater() {
    nextLook = loop.schedule(this::look, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void look() {
    serve();
    waitedFor().filter(front -> --front.looksLeft == 0).ifPresent(this::waitNoLonger);
    if (!lines.isEmpty()) {
      lookLater();
    }
  }

  /// It was not met in time: from here on everybody is passed over as if for the first time.
  private void waitNoLonger(Waiter front) {
    hadItsTurn(front);
    front.looksLeft = TURN_LOOKS;
    fronts().forEach(each -> each.passedOver = 0);
    changed();
  }

  private void timeOut(Waiter waiter, long millis) {
    leave(waiter);
    waiter.reply.completeExceptionally(
        new Refusal(
            ErrorCode.TIMEOUT,
            "the wait for room ended without it: nbytes=%d waited_ms=%d"
                .formatted(waiter.nbytes, millis)));
    changed();
  }

  private void leave(Waiter waiter) {
    Deque<Waiter> line = lines.get(waiter.peer.uid());
    if (line != null && line.remove(waiter)) {
      if (line.isEmpty()) {
        lines.remove(waiter.peer.uid());
      }
      waiter.deadline.cancel(false);
      places.give(waiter.peer.uid());
      ofSession.computeIfPresent(
          waiter.peer.session(), (_, count) -> count == 1 ? null : count - 1);
    }
  }

  /// Refuses who does not want to wait, and who would wait in vain.
  private void requireHope(long nbytes, long millis) throws Refusal {
    if (millis == 0 || nbytes > account.capacity()) {
      throw new Refusal(
          ErrorCode.STORE_FULL,
          "no room now, or ever: requested=%d room=%d capacity=%d"
              .formatted(nbytes, account.room(), account.capacity()));
    }
  }

  private void requireQuota(Peer peer) throws Refusal {
    int own = ofSession.getOrDefault(peer.session(), 0);
    if (own >= Limits.PARKED_MAX) {
      throw new Refusal(
          ErrorCode.QUOTA_EXCEEDED,
          "too many parked requests of one session: parked=%d max=%d"
              .formatted(own, Limits.PARKED_MAX));
    }
  }
}
