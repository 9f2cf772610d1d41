package dev.sealbuf.server.store;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.LongPredicate;
import java.util.stream.Collectors;

/// Which session was handed which segment.
///
/// The kernel does not tell a daemon that is not root who maps what, so this is what stands behind
/// `holders`: whoever holds a segment was handed it here, or got it from somebody who was.
///
/// A session that ends leaves its rows: its process may go on looking, and so may a child of it.
/// They go when their segments are gone, which is noticed when room is short: numbers are never
/// used twice, so an old row means nothing wrong. The number of ended sessions, and the memory of
/// all rows, are bounded; past that the oldest ended sessions are forgotten, and who still holds
/// something of theirs is unknown.
final class Ledger {
  /// Each may be a process that goes on looking at what it once mapped.
  private static final int ENDED_MAX = 4096;

  private static final int HEAP_SHARE = 16;

  /// A session, and what it was handed.
  ///
  /// @param client what it calls itself
  private record Account(Peer peer, String client, LongSet segments) {}

  /// A session that was handed a segment.
  record Holder(Peer peer, String client, boolean ended) {
    /// Whoever it is.
    static final Holder UNKNOWN = new Holder(new Peer(0, 0), "", false);
  }

  private final long heapMax;
  private final LongPredicate exists;
  private final SequencedMap<Long, Account> living = new LinkedHashMap<>();
  private final SequencedMap<Long, Account> ended = new LinkedHashMap<>();
  private long heap;

  /// @param exists whether the segment of a [SegmentKey] is not gone
  Ledger(long heapBytes, LongPredicate exists) {
    this.heapMax = heapBytes / HEAP_SHARE;
    this.exists = exists;
  }

  /// A session begins.
  void begin(Peer peer, String client) {
    Account account = new Account(peer, client, new LongSet());
    living.put(peer.session(), account);
    heap += account.segments.heapBytes();
  }

  /// Whether the session has begun and not ended.
  boolean isLiving(Peer peer) {
    return living.containsKey(peer.session());
  }

  /// The session is given a descriptor of the segment.
  void handed(Peer peer, long key) {
    Account account = living.getOrDefault(peer.session(), ended.get(peer.session()));
    if (account == null || (heap >= heapMax && !forgetOldest())) {
      return;
    }
    heap -= account.segments.heapBytes();
    account.segments.add(key, exists);
    heap += account.segments.heapBytes();
  }

  /// The session is over. What it was handed it may have.
  void end(long session) {
    Account account = living.remove(session);
    if (account == null) {
      return;
    }
    heap -= account.segments.heapBytes();
    account.segments.retain(exists);
    if (account.segments.size() > 0) {
      heap += account.segments.heapBytes();
      ended.put(session, account);
    }
    if (ended.size() > ENDED_MAX) {
      forgetOldest();
    }
  }

  private boolean forgetOldest() {
    if (ended.isEmpty()) {
      return false;
    }
    heap -= ended.pollFirstEntry().getValue().segments.heapBytes();
    return true;
  }

  int livingSessions() {
    return living.size();
  }

  /// How many sessions there are to ask about a segment.
  int sessions() {
    return living.size() + ended.size();
  }

  /// The uids of everybody who was handed the segment.
  Set<Integer> uids(long key) {
    return holders(key).stream().map(holder -> holder.peer().uid()).collect(Collectors.toSet());
  }

  /// Everybody who was handed the segment, the living first.
  List<Holder> holders(long key) {
    List<Holder> holders = new ArrayList<>();
    living.values().stream()
        .filter(account -> account.segments.contains(key))
        .forEach(account -> holders.add(new Holder(account.peer, account.client, false)));
    ended.values().stream()
        .filter(account -> account.segments.contains(key))
        .forEach(account -> holders.add(new Holder(account.peer, account.client, true)));
    return holders;
  }
}
