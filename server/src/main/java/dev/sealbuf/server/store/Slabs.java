package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.TableWord;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// All slabs: the last one is open, the others are full.
///
/// A record that does not fit closes the open slab for good; at most the largest `put`, an eighth
/// of a slab, stays unused at its end. A new slab is made on the loop: 0.1 ms, once for at least
/// eight puts.
final class Slabs implements AutoCloseable {
  /// Each is a mapping of the daemon, and a JVM that comes near 65 530 of them aborts.
  static final int SLABS_MAX = 32_768;

  /// Numbers are shared with catalog segments, of which there is one.
  private static final long FIRST = Catalog.NUMBER + 1;

  private final Account account;
  private final Workers workers;
  private final List<Slab> slabs = new ArrayList<>();

  /// Makes the first slab: whoever starts a store learns at once whether it can hold anything.
  Slabs(Account account, Workers workers) throws Refusal {
    this.account = account;
    this.workers = workers;
    slabs.add(create());
  }

  /// A slab with room for so many bytes, at most a slab's.
  Slab withRoom(long bytes) throws Refusal {
    Slab open = slabs.getLast();
    if (open.hasRoom(bytes)) {
      return open;
    }
    Slab next = create();
    slabs.add(next);
    workers.dispose(open.finish());
    return next;
  }

  Optional<Slab> find(long number) {
    boolean known = number >= FIRST && number < FIRST + slabs.size();
    return known ? Optional.of(slab(number)) : Optional.empty();
  }

  /// The slab that a live word leads to.
  Slab of(long word) {
    return slab(TableWord.slab(word));
  }

  /// Whether the record that a live word leads to carries this name.
  boolean isNamed(long word, Name name) {
    try {
      return BufferRecord.isNamed(of(word).memory(), TableWord.offset(word), name.utf8());
    } catch (LayoutException e) {
      throw broken(word, e);
    }
  }

  /// The record that a live word leads to.
  BufferRecord record(long word) {
    try {
      return BufferRecord.read(of(word).memory(), TableWord.offset(word));
    } catch (LayoutException e) {
      throw broken(word, e);
    }
  }

  private Slab slab(long number) {
    return slabs.get((int) (number - FIRST));
  }

  private Slab create() throws Refusal {
    if (slabs.size() == SLABS_MAX) {
      throw new Refusal(
          ErrorCode.STORE_FULL, "no room for another slab: slabs=%d".formatted(SLABS_MAX));
    }
    Account.Charge charge = account.charge(Account.Kind.SLAB, Slab.BYTES);
    try {
      Slab slab = Slab.create(FIRST + slabs.size());
      charge.inHugePages(slab.hugePageBytes());
      return slab;
    } catch (IOException e) {
      charge.close();
      throw Refusal.shortage(e);
    }
  }

  private static IllegalStateException broken(long word, LayoutException failure) {
    return new IllegalStateException(
        "a word leads to a record: slab=%d offset=%d"
            .formatted(TableWord.slab(word), TableWord.offset(word)),
        failure);
  }

  @Override
  public void close() {
    slabs.forEach(Slab::close);
  }
}
