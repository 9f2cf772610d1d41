package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Executor;

/// Buffers with a name whose publisher said that they end with its session.
///
/// Their names are remembered, and forgotten in the turn in which they are deleted, taken, evicted
/// or lead elsewhere: what is remembered is still that buffer's. It is deleted in slices when its
/// session has ended.
final class SessionBuffers implements PublicationListener {
  /// The longest name as text and in UTF-8, and its places in two tables.
  private static final int HEAP_PER_BUFFER = 768;

  /// Names that one turn of the loop takes away: some 0.5 ms.
  private static final int AT_ONCE = 256;

  /// A session that has published some that are still there. Their order is kept, or the first one
  /// would be looked for through all the places of those that went before.
  private record Owner(long session, int uid, Set<Name> names) {}

  private final PublishedBuffers published;
  private final Executor turns;
  private final HeapPlaces places;
  private final Map<Name, Owner> owners = new HashMap<>();
  private final Map<Long, Owner> bySession = new HashMap<>();
  private final Queue<Owner> ended = new ArrayDeque<>();

  /// @param turns runs tasks on the loop, and looks after the sockets between any two
  SessionBuffers(PublishedBuffers published, Executor turns, long heapBytes) {
    this.published = published;
    this.turns = turns;
    this.places = new HeapPlaces("buffers that end with a session", heapBytes, HEAP_PER_BUFFER);
  }

  /// Refuses more than can be remembered. Where a name of the same uid goes, its place is free.
  void requireRoom(Peer peer, List<Claim> claims) throws Refusal {
    int added = 0;
    for (Claim claim : claims) {
      Owner owner = owners.get(claim.name());
      if (owner == null || owner.uid != peer.uid()) {
        added++;
      }
    }
    places.require(peer.uid(), added);
  }

  /// A buffer is published, and there was room for it.
  void add(Peer peer, Name name) {
    Owner owner =
        bySession.computeIfAbsent(
            peer.session(), session -> new Owner(session, peer.uid(), new LinkedHashSet<>()));
    places.takeRequired(peer.uid());
    owner.names.add(name);
    owners.put(name, owner);
  }

  @Override
  public void replaced(BufferRecord record) {
    forget(record);
  }

  @Override
  public void deleted(BufferRecord record) {
    forget(record);
  }

  private void forget(BufferRecord record) {
    if (owners.isEmpty()) {
      return;
    }
    Name name = Name.of(record);
    Owner owner = owners.remove(name);
    if (owner != null) {
      owner.names.remove(name);
      places.give(owner.uid);
      if (owner.names.isEmpty()) {
        bySession.remove(owner.session);
      }
    }
  }

  /// What the session left goes soon.
  void endSession(long session) {
    Owner owner = bySession.get(session);
    if (owner != null) {
      ended.add(owner);
      if (ended.size() == 1) {
        turns.execute(this::slice);
      }
    }
  }

  /// Nothing ends any more.
  void close() {
    ended.clear();
  }

  private void slice() {
    for (int removed = 0; removed < AT_ONCE && !ended.isEmpty(); removed++) {
      Owner owner = ended.element();
      if (owner.names.isEmpty()) {
        ended.remove();
      } else {
        published.remove(owner.names.iterator().next()); // and forgets it: by [#deleted]
      }
    }
    if (!ended.isEmpty()) {
      turns.execute(this::slice);
    }
  }
}
