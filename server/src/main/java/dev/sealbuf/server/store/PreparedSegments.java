package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.PreparedMemory;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.server.segment.Workers;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/// Dedicated segments that nobody asked for yet, so that a producer does not wait for fresh memory.
///
/// **Which sizes, and how many?** Those that are asked for again. A size has a shelf from its
/// second request on; each request that finds its shelf empty makes room on it for one more. A size
/// that differs from buffer to buffer is cut from the shelf of its class: an eighth of a power of
/// two, so that at most that much was made in vain. What was not asked for in [#IDLE_NANOS] goes.
///
/// **When?** A moment after a producer has finished with one. Not while it writes: it may be on the
/// only CPU, and the kernel does not let go of that before a huge page is made.
///
/// **Whose memory is it?** The store's, charged as [Account.Kind#PREPARED], and the first to give
/// way: all of it is at most a quarter of the capacity, one takes at most a quarter of what is free
/// when it is made, a slab apart, and goes as soon as a request finds no room. A segment here has
/// no seals and no descriptor but the daemon's.
final class PreparedSegments {
  /// Sizes that producers of one machine use at a time; the one asked for longest ago makes place.
  private static final int SHELVES = 16;

  /// On one shelf: enough for as many producers that come at once.
  private static final int SHELF_MAX = 8;

  /// All that is at hand; more must be left for others.
  private static final int SEGMENTS_MAX = 64;

  /// Of one segment: the end of the daemon waits until one is made, in small pages at worst.
  private static final long BYTES_MAX = 256L << 20;

  /// What is cut off is freed on the loop, at some 25 us a huge page.
  private static final long CUT_MAX = 16L << 20;

  /// One part in so many of the capacity.
  private static final int SHARE = 4;

  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long LOOK_MILLIS = 1000;

  /// By then the producer has its answer.
  private static final long REFILL_MILLIS = 1;

  /// What a class and the next differ by is an eighth of a power of two.
  private static final int STEPS_LOG2 = 3;

  /// One that is at hand, at least as long as what it is for.
  record Ready(PreparedMemory memory, Account.Charge charge) {}

  /// What is at hand of one class.
  private static final class Shelf {
    final Deque<Ready> ready = new ArrayDeque<>();

    /// The largest size of the class that was asked for: none is made larger.
    long bytes;

    /// One less than the requests that found it empty.
    int wanted = -1;

    long askedAt;
  }

  private final Account account;
  private final Workers workers;
  private final Clock clock;
  private final LongSupplier numbers;
  private final SequencedMap<Long, Shelf> shelves = new LinkedHashMap<>();
  private boolean preparing;
  private boolean unwanted;
  private boolean looking;
  private boolean refilling;
  private boolean closed;

  /// @param numbers gives each segment one of its own
  PreparedSegments(Account account, Workers workers, Clock clock, LongSupplier numbers) {
    this.account = account;
    this.workers = workers;
    this.clock = clock;
    this.numbers = numbers;
    account.whenStillShort(this::giveBackOne);
  }

  /// Sizes of one class are made as one.
  static long classOf(long bytes) {
    int log2 = Long.SIZE - 1 - Long.numberOfLeadingZeros(bytes);
    long step = 1L << Math.max(log2 - STEPS_LOG2, 0);
    return Math.ceilDiv(bytes, step) * step;
  }

  /// Whether a segment of so many bytes is there.
  boolean isAtHand(long bytes) {
    Shelf shelf = shelves.get(classOf(bytes));
    return shelf != null && !shelf.ready.isEmpty() && isLongEnough(shelf.ready.peek(), bytes);
  }

  private static boolean isLongEnough(Ready ready, long bytes) {
    long cut = ready.memory.bytes() - bytes;
    return cut >= 0 && cut <= CUT_MAX;
  }

  /// A segment of so many bytes, now unfinished, if there is one.
  Optional<Ready> take(long bytes) {
    if (!isAtHand(bytes)) {
      return Optional.empty();
    }
    Ready taken = asked(bytes).ready.remove();
    taken.charge.becomes(Account.Kind.UNFINISHED);
    return Optional.of(taken);
  }

  /// There was none, and one is made for who asked.
  void missed(long bytes) {
    Shelf shelf = asked(bytes);
    shelf.wanted = Math.min(shelf.wanted + 1, SHELF_MAX);
  }

  /// A producer has finished with one, whatever came of it.
  void finished() {
    if (!refilling && !closed) {
      refilling = true;
      workers.later(REFILL_MILLIS, this::refill);
    }
  }

  /// Makes one for the size that was asked for last and lacks one.
  private void refill() {
    refilling = false;
    if (!preparing && !closed) {
      shelves.sequencedValues().reversed().stream()
          .filter(shelf -> shelf.ready.size() < shelf.wanted && mayPrepare(shelf.bytes))
          .findFirst()
          .ifPresent(this::prepare);
    }
  }

  private Shelf asked(long bytes) {
    Shelf known = shelves.remove(classOf(bytes));
    Shelf shelf = known == null ? new Shelf() : known;
    shelf.askedAt = clock.nanos();
    if (bytes > shelf.bytes) {
      shelf.bytes = bytes;
      discardAll(shelf);
    }
    shelves.put(classOf(bytes), shelf);
    if (shelves.size() > SHELVES) {
      discardAll(shelves.pollFirstEntry().getValue());
    }
    lookLater();
    return shelf;
  }

  /// Nobody may have to wait for what this takes, nor anything be given back for it.
  private boolean mayPrepare(long bytes) {
    return bytes <= BYTES_MAX
        && account.segments(Account.Kind.PREPARED) < SEGMENTS_MAX
        && account.spareSegments() > SEGMENTS_MAX
        && bytes <= account.capacity() / SHARE - account.bytes(Account.Kind.PREPARED)
        && bytes <= (account.spare() - Slab.BYTES) / SHARE;
  }

  private void prepare(Shelf shelf) {
    try {
      Account.Charge charge = account.charge(Account.Kind.PREPARING, shelf.bytes);
      long number = numbers.getAsLong();
      preparing = true;
      unwanted = false;
      workers.callInBackground(
          () -> PreparedMemory.make(number, charge.bytes()),
          memory -> prepared(shelf, new Ready(memory, charge)),
          _ -> {
            preparing = false;
            charge.close();
          });
    } catch (Refusal _) {
      // Whoever needs it is told.
    }
  }

  private void prepared(Shelf shelf, Ready ready) {
    preparing = false;
    ready.charge.inHugePages(ready.memory.hugePageBytes());
    ready.charge.becomes(Account.Kind.PREPARED);
    if (unwanted || closed || !shelves.containsValue(shelf) || !isLongEnough(ready, shelf.bytes)) {
      discard(ready);
      return;
    }
    shelf.ready.add(ready);
    refill();
  }

  /// Whether one is being made that goes when it is, because somebody needs the room.
  boolean isGivingBack() {
    return preparing && unwanted;
  }

  /// Of the size that was asked for longest ago. False when there is none.
  private boolean giveBackOne() {
    unwanted = true;
    for (Shelf shelf : shelves.values()) {
      if (!shelf.ready.isEmpty()) {
        discard(shelf.ready.remove());
        return true;
      }
    }
    return false;
  }

  private void discardAll(Shelf shelf) {
    shelf.ready.forEach(this::discard);
    shelf.ready.clear();
  }

  private void discard(Ready ready) {
    long bytes = ready.charge.bytes();
    ready.charge.close();
    account.closing(bytes);
    workers.call(
        () -> {
          ready.memory.close();
          return bytes;
        },
        closing -> account.closing(-closing),
        failure -> {
          throw new IllegalStateException("closing failed: " + ready.memory, failure);
        });
  }

  private void lookLater() {
    if (!looking && !closed && !shelves.isEmpty()) {
      looking = true;
      workers.later(LOOK_MILLIS, this::look);
    }
  }

  /// What was not asked for lately goes.
  private void look() {
    looking = false;
    long before = clock.nanos() - IDLE_NANOS;
    for (Iterator<Shelf> all = shelves.values().iterator(); all.hasNext(); ) {
      Shelf shelf = all.next();
      if (shelf.askedAt - before > 0) {
        break;
      }
      all.remove();
      discardAll(shelf);
    }
    refill();
    lookLater();
  }

  /// Gives everything back. The workers end after this.
  void close() {
    closed = true;
    shelves.values().forEach(this::discardAll);
    shelves.clear();
  }
}
