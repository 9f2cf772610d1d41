package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.server.segment.SharedSegment;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// The segments that [Holds] keep, each by one description however many holds there are.
///
/// The description is opened as for any peer, so whatever asks the kernel who holds a segment finds
/// it held: it is charged when nothing leads to it any more, not evicted, and seen to go when the
/// description is closed. Only `holders` is told of it: who asked for a hold stands in the [Ledger]
/// as if the segment had been handed out, and [#sessions] says for whom nobody need have it mapped.
///
/// Each costs a descriptor of the daemon, which counts with those of the account. All of them
/// together may be half of what a store may have.
final class KeptSegments {
  private static final int SHARE = 2;

  /// A segment, and how many holds of which session keep it.
  static final class Kept {
    private final long key;
    private final long number;
    private final long bytes;
    private final int uid;
    private final Fd description;
    private final Map<Long, Integer> holds = new HashMap<>();

    private Kept(SharedSegment segment, int uid, Fd description) {
      this.key = SegmentKey.of(segment.kind(), segment.number());
      this.number = segment.number();
      this.bytes = segment.bytes();
      this.uid = uid;
      this.description = description;
    }

    long number() {
      return number;
    }

    long bytes() {
      return bytes;
    }

    /// A fresh description to read, for a peer.
    Fd freshReadOnly() throws IOException {
      return Memfd.reopenReadOnly(description);
    }
  }

  private final Account account;
  private final Workers workers;
  private final Ledger ledger;
  private final HeapPlaces places;
  private final Map<Long, Kept> segments = new HashMap<>();

  KeptSegments(Account account, Workers workers, Ledger ledger, int segmentsMax) {
    this.account = account;
    this.workers = workers;
    this.ledger = ledger;
    this.places = new HeapPlaces("segments kept by holds", segmentsMax / SHARE);
  }

  /// Keeps a segment for one hold more.
  Kept keep(Peer peer, SharedSegment segment) throws Refusal {
    Kept kept = segments.get(SegmentKey.of(segment.kind(), segment.number()));
    if (kept == null) {
      kept = open(peer, segment);
      segments.put(kept.key, kept);
    }
    kept.holds.merge(peer.session(), 1, Integer::sum);
    ledger.handed(peer, kept.key);
    return kept;
  }

  private Kept open(Peer peer, SharedSegment segment) throws Refusal {
    places.take(peer.uid());
    try {
      account.openDescriptor();
      try {
        return new Kept(segment, peer.uid(), segment.freshReadOnly());
      } catch (IOException e) {
        account.closeDescriptor();
        throw Refusal.shortage(e);
      }
    } catch (Refusal e) {
      places.give(peer.uid());
      throw e;
    }
  }

  /// One hold of this session less. With the last one the segment is let go of.
  void release(Kept kept, Peer peer) {
    kept.holds.computeIfPresent(peer.session(), (_, count) -> count == 1 ? null : count - 1);
    if (kept.holds.isEmpty()) {
      segments.remove(kept.key);
      close(kept);
    }
  }

  private void close(Kept kept) {
    workers.call(
        () -> {
          kept.description.close();
          return kept;
        },
        _ -> {
          account.closeDescriptor();
          places.give(kept.uid);
        },
        failure -> {
          throw new IllegalStateException("letting go failed", failure);
        });
  }

  /// The sessions whose holds keep the segment of a [SegmentKey].
  Set<Long> sessions(long key) {
    Kept kept = segments.get(key);
    return kept == null ? Set.of() : Set.copyOf(kept.holds.keySet());
  }

  /// Lets go of everything. The workers end after this.
  void close() {
    segments.values().forEach(this::close);
    segments.clear();
  }
}
