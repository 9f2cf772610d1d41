package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;

/// Buffers that were published without a name: they end with the session that published them.
///
/// Their names are made up, so the number of the name is all that is remembered, with the session:
/// 22 to 43 bytes each, 64 while the table grows. A name that is deleted, taken, evicted or led
/// elsewhere is forgotten in the same turn. So what is remembered is still that buffer's, and may
/// be deleted unseen when its session has ended.
///
/// That is done in slices, for all sessions that have ended together: by going round the table,
/// which is short, since its size is bounded like everything that lives on the heap.
final class UnnamedBuffers implements PublicationListener {
  /// Key and value, in a table three quarters full and the one of twice the size that it grows to.
  private static final int HEAP_PER_BUFFER = 64;

  /// Names that one turn of the loop takes away, some 0.5 ms, and slots that it looks at.
  private static final int AT_ONCE = 256;

  private static final int LOOKS_AT_ONCE = 16_384;

  /// A session that has published some that are still there.
  private static final class Owner {
    final int uid;
    int count;

    Owner(int uid) {
      this.uid = uid;
    }
  }

  private final PublishedBuffers published;
  private final Executor turns;
  private final HeapPlaces places;
  private final LongMap sessions = new LongMap();
  private final Map<Long, Owner> owners = new HashMap<>();
  private final Set<Long> ended = new HashSet<>();
  private boolean scheduled;
  private int hand;

  /// @param turns runs tasks on the loop, and looks after the sockets between any two
  UnnamedBuffers(PublishedBuffers published, Executor turns, long heapBytes) {
    this.published = published;
    this.turns = turns;
    this.places = new HeapPlaces("buffers without a name", heapBytes, HEAP_PER_BUFFER);
  }

  /// How many there are.
  int count() {
    return sessions.size();
  }

  /// Refuses one more than can be remembered.
  void requireRoom(Peer peer) throws Refusal {
    places.require(peer.uid());
  }

  /// A buffer is published under a name that was made up, and there was room for it.
  void add(Peer peer, Name name) {
    places.takeRequired(peer.uid());
    sessions.put(MadeUpName.number(name.text()), peer.session());
    owners.computeIfAbsent(peer.session(), _ -> new Owner(peer.uid())).count++;
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
    long number = MadeUpName.number(record.name());
    long session = number == 0 ? 0 : sessions.get(number);
    if (session == 0) {
      return;
    }
    sessions.remove(number);
    Owner owner = owners.get(session);
    if (owner == null) {
      throw new IllegalStateException("a buffer without a name has an owner: number=" + number);
    }
    places.give(owner.uid);
    if (--owner.count == 0) {
      owners.remove(session);
      ended.remove(session);
    }
  }

  /// What the session left goes soon.
  void endSession(long session) {
    if (owners.containsKey(session)) {
      ended.add(session);
      goOn();
    }
  }

  /// Nothing ends any more.
  void close() {
    ended.clear();
  }

  private void goOn() {
    if (!scheduled && !ended.isEmpty()) {
      scheduled = true;
      turns.execute(this::slice);
    }
  }

  private void slice() {
    scheduled = false;
    int removed = 0;
    for (int i = 0; i < LOOKS_AT_ONCE && removed < AT_ONCE && !ended.isEmpty(); i++) {
      hand = hand < sessions.slots() ? hand : 0;
      long number = sessions.key(hand);
      if (number != 0 && ended.contains(sessions.value(hand))) {
        remove(number);
        removed++;
      } else {
        hand++;
      }
    }
    goOn();
  }

  /// Forgets it, too: by [#deleted].
  private void remove(long number) {
    try {
      published.remove(MadeUpName.of(number));
    } catch (Refusal e) {
      throw new IllegalStateException("a name that was made up is one: number=" + number, e);
    }
  }
}
