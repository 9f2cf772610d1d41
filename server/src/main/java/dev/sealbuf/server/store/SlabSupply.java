package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Makes slabs, each charged before it is made, and keeps one ready for a store that fills many.
///
/// Making one takes 0.1 ms where huge pages come quickly, and 5 to 12 ms in a virtual machine whose
/// host takes free pages back. So a busy store has the next one made by a worker while the last one
/// fills up; the loop makes it by itself when it is needed sooner. Numbers are given out in the
/// order in which slabs are opened: one that was overtaken is thrown away.
final class SlabSupply implements AutoCloseable {
  private final Account account;
  private final Workers workers;
  private final SegmentNumbers numbers;
  private final Map<Slab, Account.Charge> charges = new HashMap<>();
  private @Nullable Slab spare;

  /// Number of the slab that a worker makes and that is still wanted; 0 when there is none.
  private long preparing;

  SlabSupply(Account account, Workers workers, SegmentNumbers numbers) {
    this.account = account;
    this.workers = workers;
    this.numbers = numbers;
  }

  /// The next slab.
  Slab take() throws Refusal {
    ensure();
    Slab next = spare;
    if (next == null) {
      throw new IllegalStateException("a slab was made and is not there");
    }
    spare = null;
    return next;
  }

  /// The next slab for copies, beyond the capacity if need be.
  Slab takeBeyond() throws Refusal {
    if (spare == null) {
      make(account.chargeBeyond(Account.Kind.SLAB, Slab.BYTES));
    }
    return take();
  }

  /// Makes sure that the next slab is there.
  void ensure() throws Refusal {
    if (spare == null) {
      make(account.charge(Account.Kind.SLAB, Slab.BYTES));
    }
  }

  /// Refuses so many bytes in a slab that was taken beyond the capacity and still is.
  void requireRespected(long bytes) throws Refusal {
    account.requireRespected(bytes);
  }

  /// Whether a slab that was taken beyond the capacity still is.
  boolean isOverdrawn() {
    return account.isOverdrawn();
  }

  /// Has the next slab made, if there is room for it.
  void prepare() {
    if (spare == null && preparing == 0) {
      try {
        numbers.requireOne();
        Account.Charge charge = account.charge(Account.Kind.SLAB, Slab.BYTES);
        long number = numbers.next();
        preparing = number;
        workers.call(
            () -> Slab.create(number),
            slab -> prepared(slab, charge),
            _ -> {
              preparing = preparing == number ? 0 : preparing;
              charge.close();
            });
      } catch (Refusal _) {
        // Whoever needs it is told.
      }
    }
  }

  private void prepared(Slab slab, Account.Charge charge) {
    charge.inHugePages(slab.hugePageBytes());
    charges.put(slab, charge);
    if (preparing == slab.number()) {
      preparing = 0;
      spare = slab;
    } else {
      discard(slab);
    }
  }

  /// Throws the ready one away: nobody has seen it.
  void discardSpare() {
    preparing = 0;
    if (spare != null) {
      discard(spare);
      spare = null;
    }
  }

  private void discard(Slab slab) {
    charge(slab).close();
    workers.dispose(slab);
  }

  /// The charge of a slab that goes, for whoever sees to its end.
  Account.Charge charge(Slab slab) {
    Account.Charge charge = charges.remove(slab);
    if (charge == null) {
      throw new IllegalStateException("a slab is charged: slab=" + slab);
    }
    return charge;
  }

  private void make(Account.Charge charge) throws Refusal {
    try {
      Slab slab = numbers.next(Slab::create);
      charge.inHugePages(slab.hugePageBytes());
      charges.put(slab, charge);
      spare = slab;
      preparing = 0;
    } catch (IOException e) {
      charge.close();
      throw Refusal.shortage(e);
    } catch (Refusal e) {
      charge.close();
      throw e;
    }
  }

  /// Ends all slabs that are charged. The workers have nothing in hand any more.
  @Override
  public void close() {
    charges.keySet().forEach(Slab::close);
  }
}
