package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// The buffers that are reserved or being written: by id, by the name each reserves, and by
/// session, which may have so many and no more. Those without memory, which no account bounds, are
/// bounded in all; so is what is said of those with memory: their forms, and the indexes of
/// batches.
final class UnfinishedBuffers {
  /// A name, and its places in the tables.
  private static final int HEAP_PER_RESERVATION = 1024;

  /// Forms differ in size, so their places are small.
  private static final int HEAP_PER_FORM_PLACE = 1024;

  private final HeapPlaces reservations;
  private final HeapPlaces forms;
  private final Consumer<Name> freed;
  private final Map<Long, UnfinishedBuffer> byId = new HashMap<>();
  private final Map<Name, UnfinishedBuffer> byName = new HashMap<>();
  private final Map<Long, Set<UnfinishedBuffer>> bySession = new HashMap<>();

  /// @param freed hears of names that are no longer reserved
  UnfinishedBuffers(long heapBytes, Consumer<Name> freed) {
    this.reservations = new HeapPlaces("reservations", heapBytes, HEAP_PER_RESERVATION);
    this.forms = new HeapPlaces("KiB of metadata and descriptions", heapBytes, HEAP_PER_FORM_PLACE);
    this.freed = freed;
  }

  /// Refuses a session that has its share.
  void requireRoom(Peer peer) throws Refusal {
    int count = bySession.getOrDefault(peer.session(), Set.of()).size();
    if (count >= Limits.UNFINISHED_MAX) {
      throw new Refusal(
          ErrorCode.QUOTA_EXCEEDED,
          "too many unfinished buffers of one session: unfinished=%d max=%d"
              .formatted(count, Limits.UNFINISHED_MAX));
    }
  }

  /// Takes so much of the heap, for the form of a buffer until it is published or ends, or for the
  /// index of a batch while it is sealed.
  HeapPlaces.Lease keep(Peer peer, long heapBytes) throws Refusal {
    return forms.lease(peer.uid(), (int) Math.ceilDiv(heapBytes, (long) HEAP_PER_FORM_PLACE));
  }

  boolean reserves(Name name) {
    return byName.containsKey(name);
  }

  void add(UnfinishedBuffer buffer) throws Refusal {
    if (buffer.isReservation()) {
      reservations.take(buffer.producer().uid());
    }
    byId.put(buffer.id(), buffer);
    byName.put(buffer.claim().name(), buffer);
    bySession.computeIfAbsent(buffer.producer().session(), _ -> new LinkedHashSet<>()).add(buffer);
  }

  /// Does nothing to one that has left.
  void remove(UnfinishedBuffer buffer) {
    if (!byId.remove(buffer.id(), buffer)) {
      return;
    }
    if (buffer.isReservation()) {
      reservations.give(buffer.producer().uid());
    }
    byName.remove(buffer.claim().name(), buffer);
    bySession.computeIfPresent(
        buffer.producer().session(),
        (_, ofSession) -> {
          ofSession.remove(buffer);
          return ofSession.isEmpty() ? null : ofSession;
        });
    freed.accept(buffer.claim().name());
  }

  Optional<UnfinishedBuffer> find(long id) {
    return Optional.ofNullable(byId.get(id));
  }

  List<UnfinishedBuffer> ofSession(long session) {
    return List.copyOf(bySession.getOrDefault(session, Set.of()));
  }

  List<UnfinishedBuffer> all() {
    return List.copyOf(byId.values());
  }
}
