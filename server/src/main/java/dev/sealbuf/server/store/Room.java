package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.Slab;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Requests that wait until the store has room, first come, first served.
///
/// The front one blocks those behind it, also those that would fit: else a large buffer would wait
/// for as long as small ones come. When something was given back, a turn of the loop goes over the
/// line; what it tells one that there is room for, it does not tell the next as well. Room is no
/// promise all the same: whoever is told must be quick, or wait again.
final class Room {
  /// What a small buffer needs when the open slab has no room for it. Whoever waits for that may
  /// want a segment of its own, which takes less.
  private static final long SMALL = Slab.BYTES;

  /// Timer, reply, places in the tables.
  private static final int HEAP_PER_REQUEST = 512;

  /// One that waits.
  private static final class Waiter {
    final Peer peer;
    final long nbytes;
    final CompletableFuture<Long> reply = new CompletableFuture<>();
    Future<?> deadline = CompletableFuture.completedFuture(0);

    Waiter(Peer peer, long nbytes) {
      this.peer = peer;
      this.nbytes = nbytes;
    }
  }

  private final Account account;
  private final Slabs slabs;
  private final ScheduledExecutorService loop;
  private final HeapPlaces places;
  private final Deque<Waiter> line = new ArrayDeque<>();
  private final Map<Long, Integer> ofSession = new HashMap<>();
  private boolean scheduled;

  Room(Account account, Slabs slabs, ScheduledExecutorService loop, long heapBytes) {
    this.account = account;
    this.slabs = slabs;
    this.loop = loop;
    this.places = new HeapPlaces("parked requests", heapBytes, HEAP_PER_REQUEST);
    account.whenChanged(this::changed);
  }

  /// How many wait.
  int waiting() {
    return line.size();
  }

  /// Answers when there is room for so many bytes more.
  ///
  /// @param millis how long that may take; 0: not at all
  CompletionStage<Long> await(Peer peer, long nbytes, long millis) {
    Waiter waiter = new Waiter(peer, nbytes);
    if (line.isEmpty() && fits(nbytes, account.room())) {
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
    line.add(waiter);
    waiter.deadline = loop.schedule(() -> timeOut(waiter, millis), millis, TimeUnit.MILLISECONDS);
    return waiter.reply;
  }

  /// Nobody is left to answer.
  void endSession(long session) {
    if (ofSession.containsKey(session)) {
      List<Waiter> own = line.stream().filter(each -> each.peer.session() == session).toList();
      own.forEach(this::leave);
      changed();
    }
  }

  /// Everybody leaves without an answer.
  void endAll() {
    List.copyOf(line).forEach(this::leave);
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
    if (!scheduled && !line.isEmpty()) {
      scheduled = true;
      loop.execute(this::serve);
    }
  }

  private void serve() {
    scheduled = false;
    long room = account.room();
    for (Waiter front = line.peek();
        front != null && fits(front.nbytes, room);
        front = line.peek()) {
      room -= DedicatedSegment.bytesFor(front.nbytes);
      leave(front);
      front.reply.complete(front.nbytes);
    }
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
    if (line.remove(waiter)) {
      waiter.deadline.cancel(false);
      places.give(waiter.peer.uid());
      ofSession.computeIfPresent(
          waiter.peer.session(), (_, count) -> count == 1 ? null : count - 1);
    }
  }

  /// Refuses who does not want to wait, and who would wait in vain and block those behind it.
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
