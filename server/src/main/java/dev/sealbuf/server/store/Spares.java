package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.SegmentKind;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/// Segments that are lent along with a publication, for the next one of the same producer: they
/// save it a create.
///
/// A spare is what a create would have lent but for the name and all else that is said of a buffer.
/// Nobody waits for it, so it comes out of what is at hand or not at all; and as the daemon cannot
/// take it back, there is one a session, and only while it is a small part of what is free and of
/// what its uid may still have.
final class Spares {
  /// One part in so many of what is free.
  private static final int SHARE = 8;

  /// @param id that its buffer will have
  record Spare(long id, Peer peer, SegmentSupply.Order memory, DedicatedSegment segment) {}

  private final Account account;
  private final Quota quota;
  private final SegmentSupply supply;
  private final Claims claims;
  private final HeldSegments held;
  private final Ledger ledger;
  private final Map<Long, Spare> bySession = new HashMap<>();

  Spares(
      Account account,
      Quota quota,
      SegmentSupply supply,
      Claims claims,
      HeldSegments held,
      Ledger ledger) {
    this.account = account;
    this.quota = quota;
    this.supply = supply;
    this.claims = claims;
    this.held = held;
    this.ledger = ledger;
  }

  /// Lends one of so many bytes, if it costs nobody anything.
  Optional<Loan> lend(Peer peer, long nbytes) {
    long free = Math.min(account.spare(), quota.room(peer.uid()));
    boolean small = nbytes >= 0 && DedicatedSegment.bytesFor(nbytes) <= free / SHARE;
    if (!small || bySession.containsKey(peer.session())) {
      return Optional.empty();
    }
    if (!supply.isAtHand(nbytes)) {
      supply.missed(nbytes);
      return Optional.empty();
    }
    try {
      return take(peer, nbytes).flatMap(taken -> lend(peer, nbytes, taken));
    } catch (Refusal _) {
      return Optional.empty();
    }
  }

  private record Taken(SegmentSupply.Order order, DedicatedSegment segment) {}

  private Optional<Taken> take(Peer peer, long nbytes) throws Refusal {
    SegmentSupply.Order order = supply.order(peer.uid(), nbytes);
    AtomicReference<Optional<Taken>> taken = new AtomicReference<>(Optional.empty());
    supply.deliver(
        order,
        segment -> taken.set(Optional.of(new Taken(order, segment))),
        _ -> order.charge().close());
    return taken.get();
  }

  private Optional<Loan> lend(Peer peer, long nbytes, Taken taken) {
    Spare spare = new Spare(claims.nextId(), peer, taken.order, taken.segment);
    taken.order.charge().becomes(Account.Kind.SPARE);
    bySession.put(peer.session(), spare);
    try {
      List<Fd> descriptors =
          FreshDescriptors.open(taken.segment::freshReadWrite, taken.segment::freshReadOnly);
      return Optional.of(
          new Loan(
              "", spare.id, nbytes, taken.segment.number(), taken.segment.bytes(), descriptors));
    } catch (Refusal _) {
      endSession(peer.session());
      return Optional.empty();
    }
  }

  /// The spare of that number, which is this session's.
  Spare require(Peer peer, long id) throws Refusal {
    return find(peer, id)
        .orElseThrow(() ->
            new Refusal(ErrorCode.NOT_FOUND, "no spare of this session has this id: buffer=" + id));
  }

  private Optional<Spare> find(Peer peer, long id) {
    return Optional.ofNullable(bySession.get(peer.session())).filter(spare -> spare.id == id);
  }

  /// It is a buffer now.
  void used(Spare spare) {
    spare.memory.charge().becomes(Account.Kind.UNFINISHED);
    bySession.remove(spare.peer.session());
  }

  /// Takes back the spare of that number, if it is this session's.
  boolean abort(Peer peer, long id) {
    boolean found = find(peer, id).isPresent();
    if (found) {
      endSession(peer.session());
    }
    return found;
  }

  /// Takes back what a session has.
  void endSession(long session) {
    Spare spare = bySession.remove(session);
    if (spare != null) {
      ledger.handed(spare.peer, SegmentKey.of(SegmentKind.DEDICATED, spare.segment.number()));
      held.letGo(spare.segment, spare.memory.charge());
      supply.finished();
    }
  }

  void endAll() {
    List.copyOf(bySession.keySet()).forEach(this::endSession);
  }
}
