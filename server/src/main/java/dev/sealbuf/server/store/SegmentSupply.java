package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.PreparedMemory;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// Makes dedicated segments, each charged before a page of it is touched; out of [PreparedSegments]
/// where it can.
///
/// Making one takes a worker 0.1 ms for each 2 MiB, and ten times that in a virtual machine whose
/// host takes free pages back.
final class SegmentSupply {
  private final Account account;
  private final Workers workers;
  private final PreparedSegments prepared;
  private final Quota quota;
  private long numbers;

  SegmentSupply(Account account, Quota quota, Workers workers, Clock clock) {
    this.account = account;
    this.quota = quota;
    this.workers = workers;
    this.prepared = new PreparedSegments(account, workers, clock, () -> ++numbers);
  }

  /// Memory that is charged for.
  ///
  /// @param bytes of the segment that it becomes
  /// @param ready what is there already
  record Order(long bytes, Account.Charge charge, Optional<PreparedMemory> ready) {
    /// One whose memory is still to be made.
    static Order of(Account.Charge charge) {
      return new Order(charge.bytes(), charge, Optional.empty());
    }
  }

  /// Whether memory for so many bytes is at hand: then no room is needed for it.
  boolean isAtHand(long nbytes) {
    return nbytes >= 0 && prepared.isAtHand(DedicatedSegment.bytesFor(nbytes));
  }

  /// Refuses so many bytes that are neither at hand nor could be admitted now.
  void requireRoom(long nbytes) throws Refusal {
    if (!isAtHand(nbytes)) {
      account.requireRoom(nbytes);
    }
  }

  /// Charges memory for so many bytes, for a uid.
  Order order(int uid, long nbytes) throws Refusal {
    long bytes = DedicatedSegment.bytesFor(nbytes);
    quota.require(uid, bytes, 0);
    Order order = order(bytes);
    order.charge.owedBy(quota.owe(List.of(uid), bytes));
    return order;
  }

  private Order order(long bytes) throws Refusal {
    Optional<PreparedSegments.Ready> ready = prepared.take(bytes);
    if (ready.isEmpty()) {
      Account.Charge charge = account.charge(Account.Kind.UNFINISHED, bytes);
      prepared.missed(bytes);
      return Order.of(charge);
    }
    return new Order(bytes, ready.get().charge(), ready.map(PreparedSegments.Ready::memory));
  }

  /// Somebody would have taken one of so many bytes and found none.
  void missed(long nbytes) {
    prepared.missed(DedicatedSegment.bytesFor(nbytes));
  }

  /// Gives out what was ordered: at once, or from a worker when it is made.
  void deliver(Order order, Consumer<DedicatedSegment> done, Consumer<Throwable> failed) {
    if (order.ready.isEmpty()) {
      long number = ++numbers;
      workers.call(
          () -> DedicatedSegment.prepare(number, order.bytes),
          segment -> {
            order.charge.inHugePages(segment.hugePageBytes());
            done.accept(segment);
          },
          failed);
      return;
    }
    DedicatedSegment segment;
    try {
      segment = order.ready.get().become(order.bytes);
    } catch (IOException e) {
      failed.accept(e);
      return;
    }
    order.charge.cut(order.bytes, segment.hugePageBytes());
    done.accept(segment);
  }

  /// Whether memory that was made ahead is about to be given back.
  boolean isGivingBack() {
    return prepared.isGivingBack();
  }

  /// Nothing more is done with what was delivered.
  void finished() {
    prepared.finished();
  }

  /// Keeps nothing at hand any more.
  void close() {
    prepared.close();
  }
}
