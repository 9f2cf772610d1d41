package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.LittleEndian;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.TableWord;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// All slabs: one is open, the others are full.
///
/// | state | appended to | goes when |
/// |---|---|---|
/// | spare | next | it is opened |
/// | open | yes | nothing in it is live, and nothing was appended for half a second |
/// | full | no | nothing in it is live |
///
/// A record that does not fit closes the open slab for good; at most the largest `put`, an eighth
/// of a slab, stays unused at its end. A new slab is made on the loop: 0.1 ms, once for at least
/// eight puts. The spare one is there for batches, which need their room before they begin.
final class Slabs implements AutoCloseable {
  /// Each is a mapping of the daemon, and a JVM that comes near 65 530 of them aborts.
  static final int SLABS_MAX = 32_768;

  /// Who puts and deletes in turns shall not need a new slab for each put.
  private static final long IDLE_MILLIS = 500;

  private final Account account;
  private final Workers workers;
  private final SegmentNumbers numbers;
  private final Retirement retirement;
  private final SegmentIndex<Slab> slabs = new SegmentIndex<>();
  private final Map<Slab, Account.Charge> charges = new HashMap<>();

  /// Full slabs of which less than half is live.
  private final Set<Slab> sparse = new LinkedHashSet<>();

  private Runnable sparseListener = () -> {};
  private @Nullable Slab open;
  private @Nullable Slab spare;
  private boolean watchesIdleness;

  /// Makes the first slab: whoever starts a store learns at once whether it can hold anything.
  Slabs(Account account, Workers workers, SegmentNumbers numbers, Retirement retirement)
      throws Refusal {
    this.account = account;
    this.workers = workers;
    this.numbers = numbers;
    this.retirement = retirement;
    open(next());
  }

  /// A slab with room for so many bytes, at most a slab's.
  Slab withRoom(long bytes) throws Refusal {
    Slab current = open;
    if (current != null && current.hasRoom(bytes)) {
      return current;
    }
    Slab next = next();
    finish();
    open(next);
    return next;
  }

  private Slab next() throws Refusal {
    Slab ready = spare;
    spare = null;
    return ready == null ? create() : ready;
  }

  /// Makes sure that records of these spans, together at most a slab's bytes, can be appended one
  /// after the other.
  void requireRoom(List<Long> spans) throws Refusal {
    long position = open == null ? Slab.BYTES : open.position();
    for (long span : spans) {
      if (position + span > Slab.BYTES) {
        if (spare == null) {
          spare = create();
        }
        return;
      }
      position += span;
    }
  }

  private void open(Slab slab) {
    slabs.add(slab);
    open = slab;
  }

  private void finish() {
    Slab full = open;
    open = null;
    if (full != null) {
      workers.dispose(full.finish());
      review(full);
    }
  }

  /// Who hears that there is one sparse slab more.
  void onSparse(Runnable listener) {
    sparseListener = listener;
  }

  /// Bytes of the full slabs of which less than half is live, that are not.
  long sparseBytes() {
    return sparse.stream().mapToLong(slab -> Slab.BYTES - slab.liveBytes()).sum();
  }

  /// Of those the one of which the least is live.
  Optional<Slab> sparsest() {
    return sparse.stream().min(Comparator.comparingLong(Slab::liveBytes));
  }

  int count() {
    return slabs.size();
  }

  /// The one that is appended to.
  Optional<Slab> open() {
    return Optional.ofNullable(open);
  }

  Optional<Slab> find(long number) {
    return slabs.find(number);
  }

  /// One that is there.
  Slab get(long number) {
    return slabs.get(number);
  }

  /// The first slab of this number or a greater one.
  Optional<Slab> from(long number) {
    return slabs.from(number);
  }

  /// In the order of their numbers.
  List<Slab> all() {
    return slabs.all();
  }

  /// The slab that a live word leads to.
  Slab of(long word) {
    return get(TableWord.slab(word));
  }

  /// The hash in the record that a live word leads to.
  int hash(long word) {
    return of(word).memory().get(LittleEndian.U32, TableWord.offset(word) + RecordLayout.HASH);
  }

  /// The hash in the record at a place.
  int hash(Place place) {
    return get(place.slab()).memory().get(LittleEndian.U32, place.offset() + RecordLayout.HASH);
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

  /// The word of a record has gone from the catalog. With the last one its slab goes.
  void forget(Place place) {
    Slab slab = get(place.slab());
    slab.forget(place.offset());
    review(slab);
  }

  private void review(Slab slab) {
    if (slab.live() == 0) {
      end(slab);
    } else if (slab != open && slab.liveBytes() < Slab.BYTES / 2 && sparse.add(slab)) {
      sparseListener.run();
    }
  }

  /// Nothing in it is live.
  private void end(Slab slab) {
    if (slab == open) {
      watchIdleness();
    } else {
      slabs.remove(slab);
      sparse.remove(slab);
      retirement.retire(slab, charge(slab));
    }
  }

  private Account.Charge charge(Slab slab) {
    Account.Charge charge = charges.remove(slab);
    if (charge == null) {
      throw new IllegalStateException("a slab is charged: slab=" + slab);
    }
    return charge;
  }

  private void watchIdleness() {
    if (!watchesIdleness && open != null) {
      watchesIdleness = true;
      Place then = new Place(open.number(), open.position());
      workers.later(
          IDLE_MILLIS,
          () -> {
            watchesIdleness = false;
            replaceIfIdle(then);
          });
    }
  }

  /// Readers have the open slab mapped too: what was deleted from it is theirs until it goes.
  private void replaceIfIdle(Place then) {
    if (open == null || open.live() > 0 || open.position() == 0) {
      return;
    }
    if (!then.equals(new Place(open.number(), open.position()))) {
      watchIdleness();
      return;
    }
    finish();
    openAnother();
  }

  /// Without room for another one the next put asks for it.
  private void openAnother() {
    try {
      open(next());
    } catch (Refusal _) {
      // As said.
    }
  }

  private Slab create() throws Refusal {
    if (slabs.size() == SLABS_MAX) {
      throw new Refusal(
          ErrorCode.STORE_FULL, "no room for another slab: slabs=%d".formatted(SLABS_MAX));
    }
    Account.Charge charge = account.charge(Account.Kind.SLAB, Slab.BYTES);
    try {
      Slab slab = numbers.next(Slab::create);
      charge.inHugePages(slab.hugePageBytes());
      charges.put(slab, charge);
      return slab;
    } catch (IOException e) {
      charge.close();
      throw Refusal.shortage(e);
    } catch (Refusal e) {
      charge.close();
      throw e;
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
    charges.keySet().forEach(Slab::close);
  }
}
