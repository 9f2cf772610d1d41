package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.LittleEndian;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.TableWord;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.server.segment.Workers;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// All slabs: one is open, the others are full.
///
/// | state | appended to | goes when |
/// |---|---|---|
/// | open | yes | nothing in it is live, and nothing was appended for half a second |
/// | full | no | nothing in it is live |
///
/// A record that does not fit closes the open slab for good; at most the largest `put` with its
/// metadata, a sixth of a slab, stays unused at its end. The next one comes from a [SlabSupply].
///
/// **Copies.** [Compaction] appends to the same slab. When there is no room for another one, it is
/// lent one beyond the capacity; then the open slab takes nothing but copies until the capacity is
/// respected again. So a copy always fits: what is live in a sparse slab takes five eighths of the
/// one that was lent.
final class Slabs implements AutoCloseable {
  /// Each is a mapping of the daemon, and a JVM that comes near 65 530 of them aborts.
  static final int SLABS_MAX = 32_768;

  /// A full slab is sparse when less than this is live: five eighths. See [Compaction].
  static final long SPARSE_BYTES = Slab.BYTES / 8 * 5;

  /// Who puts and deletes in turns shall not need a new slab for each put.
  private static final long IDLE_MILLIS = 500;

  /// A store with so many slabs is busy enough to have the next one made ahead.
  private static final int BUSY = 8;

  private final Workers workers;
  private final SlabSupply supply;
  private final Retirement retirement;
  private final SegmentIndex<Slab> slabs = new SegmentIndex<>();

  /// Full slabs of which little enough is live.
  private final Set<Slab> sparse = new LinkedHashSet<>();

  /// Bytes of them that are not live.
  private long sparseBytes;

  private Runnable sparseListener = () -> {};
  private @Nullable Slab open;

  /// Whether the open slab was taken for copies, beyond the capacity.
  private boolean lent;

  private boolean watchesIdleness;

  /// Opens the first slab: whoever starts a store learns at once whether it can hold anything.
  Slabs(SlabSupply supply, Workers workers, Retirement retirement) throws Refusal {
    this.supply = supply;
    this.workers = workers;
    this.retirement = retirement;
    open(supply.take());
  }

  /// A slab with room for so many bytes, at most a slab's.
  Slab withRoom(long bytes) throws Refusal {
    requireNotLent(bytes);
    Slab current = open;
    if (current != null && current.hasRoom(bytes)) {
      prepareNext(current);
      return current;
    }
    requireAnother();
    return replaceOpen(supply.take());
  }

  /// The same for a copy, which frees more than it takes.
  Slab withRoomForCopy(long bytes) throws Refusal {
    Slab current = open;
    if (current != null && current.hasRoom(bytes)) {
      prepareNext(current);
      return current;
    }
    requireAnother();
    Slab next = replaceOpen(supply.takeBeyond());
    lent = supply.isOverdrawn();
    return next;
  }

  private Slab replaceOpen(Slab next) {
    finish();
    open(next);
    return next;
  }

  /// Whether [#withRoom] finds room without another slab.
  boolean hasRoom(long bytes) {
    return open != null && open.hasRoom(bytes) && !isLent();
  }

  /// Whether the open slab takes copies only.
  boolean isLent() {
    return lent && supply.isOverdrawn();
  }

  private void requireNotLent(long bytes) throws Refusal {
    if (lent) {
      supply.requireRespected(bytes);
      lent = false;
    }
  }

  private void prepareNext(Slab current) {
    if (slabs.size() >= BUSY && !current.hasRoom(Slab.BYTES / 2)) {
      supply.prepare();
    }
  }

  /// Makes sure that records of these spans can be appended one after the other. Together they are
  /// at most a slab's bytes, so the open slab and another one are enough.
  void requireRoom(List<Long> spans) throws Refusal {
    long sum = spans.stream().mapToLong(Long::longValue).sum();
    if (sum > Slab.BYTES) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "a batch fits into one slab: record_bytes=%d max=%d".formatted(sum, Slab.BYTES));
    }
    requireNotLent(sum);
    long position = open == null ? Slab.BYTES : open.position();
    for (long span : spans) {
      if (position + span > Slab.BYTES) {
        requireAnother();
        supply.ensure();
        return;
      }
      position += span;
    }
  }

  private void requireAnother() throws Refusal {
    if (slabs.size() == SLABS_MAX) {
      throw new Refusal(
          ErrorCode.STORE_FULL, "no room for another slab: slabs=%d".formatted(SLABS_MAX));
    }
  }

  private void open(Slab slab) {
    slabs.add(slab);
    open = slab;
    lent = false;
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

  /// Bytes of sparse slabs that are not live.
  long sparseBytes() {
    return sparseBytes;
  }

  /// The one of which the least is live.
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

  /// Bytes of a record, with its payload if that is behind it.
  long span(Place place) {
    return get(place.slab()).end(place.offset()) - place.offset();
  }

  /// The word of a record has gone from the catalog. With the last one its slab goes.
  void forget(Place place) {
    Slab slab = get(place.slab());
    long before = slab.liveBytes();
    slab.forget(place.offset());
    if (sparse.contains(slab)) {
      sparseBytes += before - slab.liveBytes();
    }
    review(slab);
  }

  private void review(Slab slab) {
    if (slab.live() == 0) {
      end(slab);
    } else if (slab != open && slab.liveBytes() < SPARSE_BYTES && sparse.add(slab)) {
      sparseBytes += Slab.BYTES - slab.liveBytes();
      sparseListener.run();
    }
  }

  /// Nothing in it is live.
  private void end(Slab slab) {
    if (slab == open) {
      watchIdleness();
    } else {
      slabs.remove(slab);
      if (sparse.remove(slab)) {
        sparseBytes -= Slab.BYTES - slab.liveBytes();
      }
      retirement.retire(slab, supply.charge(slab));
      if (slabs.size() < BUSY) {
        supply.discardSpare();
      }
    }
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
      open(supply.take());
    } catch (Refusal _) {
      // As said.
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
    supply.close();
  }
}
