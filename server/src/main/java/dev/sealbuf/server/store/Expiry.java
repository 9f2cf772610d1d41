package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Takes names away whose time to live has passed.
///
/// Times are seconds since the store began, by the monotonic clock: nothing expires or is kept
/// because somebody set the wall's clock.
///
/// A binary heap in two arrays, 12 bytes a buffer: when, and where its record lies. A buffer that
/// is deleted, replaced or moved leaves its entry behind, which then leads to a record that is not
/// live. So each entry that is added looks at two others and drops those that lead nowhere: what is
/// left behind stays fewer than what lives, without ever going over all.
final class Expiry implements PlaceListener, AutoCloseable {
  private static final int FEWEST = 16;

  /// Of the heap, what the two arrays may take while they are copied into ones of twice the size.
  private static final int HEAP_SHARE = 8;

  private static final int HEAP_PER_ENTRY = 3 * (Integer.BYTES + Long.BYTES);
  private static final int LOOKS = 2;

  /// Names go within two seconds of their time: one for rounding up, one for this.
  private static final long TICK_MILLIS = 500;

  /// Names that one turn of the loop takes away: some 0.5 ms.
  private static final int AT_ONCE = 256;

  private final SlabWalk walk;
  private final PublishedBuffers published;
  private final Clock clock;
  private final long started;
  private final ScheduledExecutorService loop;
  private final long max;
  private Future<?> nextTick = CompletableFuture.completedFuture(0);
  private int[] seconds = new int[FEWEST];
  private long[] places = new long[FEWEST];
  private int size;
  private int hand;
  private long expired;

  /// @param started when the store began, by the clock's nanoseconds
  Expiry(
      SlabWalk walk,
      PublishedBuffers published,
      Clock clock,
      long started,
      ScheduledExecutorService loop,
      long heapBytes) {
    this.walk = walk;
    this.published = published;
    this.clock = clock;
    this.started = started;
    this.loop = loop;
    this.max = heapBytes / HEAP_SHARE / HEAP_PER_ENTRY;
  }

  /// Refuses more names with a time to live than the heap can remember.
  void requireRoom(Terms terms, int count) throws Refusal {
    if (terms.ttlMillis().isPresent() && size + count > max) {
      throw new Refusal(
          ErrorCode.STORE_FULL,
          "too many buffers with a time to live: buffers=%d asked=%d max=%d"
              .formatted(size, count, max));
    }
  }

  /// How many names went because of their time.
  long expired() {
    return expired;
  }

  /// How many entries there are, those that lead nowhere included.
  int size() {
    return size;
  }

  @Override
  public void placed(BufferRecord record, Place place) {
    if (record.expires() != 0) {
      // Before it is added: else it takes the place of the first that is dropped, and is looked at.
      for (int i = 0; i < LOOKS; i++) {
        lookAtNext();
      }
      add((int) record.expires(), place.packed());
      if (nextTick.isDone()) {
        tickIn(TICK_MILLIS);
      }
    }
  }

  /// Takes away what is due, as much as one turn may; false when there is more.
  boolean expire() {
    long now = TimeUnit.NANOSECONDS.toSeconds(clock.nanos() - started);
    for (int i = 0; i < AT_ONCE; i++) {
      if (size == 0 || Integer.toUnsignedLong(seconds[0]) > now) {
        return true;
      }
      Place place = Place.unpack(places[0]);
      remove(0);
      walk.live(place)
          .ifPresent(record -> {
            published.remove(Name.of(record));
            expired++;
          });
    }
    return false;
  }

  private void tickIn(long millis) {
    nextTick = loop.schedule(this::tick, millis, TimeUnit.MILLISECONDS);
  }

  private void tick() {
    boolean done = expire();
    if (size > 0) {
      tickIn(done ? TICK_MILLIS : 0);
    }
  }

  /// Nothing expires any more.
  @Override
  public void close() {
    nextTick.cancel(false);
  }

  private void lookAtNext() {
    if (size > 0) {
      hand = hand < size ? hand : 0;
      if (walk.live(Place.unpack(places[hand])).isEmpty()) {
        remove(hand);
      } else {
        hand++;
      }
    }
  }

  private void add(int second, long place) {
    if (size == seconds.length) {
      seconds = Arrays.copyOf(seconds, 2 * size);
      places = Arrays.copyOf(places, 2 * size);
    }
    seconds[size] = second;
    places[size] = place;
    up(size++);
  }

  private void remove(int at) {
    size--;
    seconds[at] = seconds[size];
    places[at] = places[size];
    if (at < size) {
      up(at);
      down(at);
    }
    if (seconds.length > FEWEST && size < seconds.length / 4) {
      seconds = Arrays.copyOf(seconds, seconds.length / 2);
      places = Arrays.copyOf(places, places.length / 2);
    }
  }

  private void up(int from) {
    int at = from;
    while (at > 0 && isBefore(at, (at - 1) / 2)) {
      swap(at, (at - 1) / 2);
      at = (at - 1) / 2;
    }
  }

  private void down(int from) {
    int at = from;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        return;
      }
      if (child + 1 < size && isBefore(child + 1, child)) {
        child++;
      }
      if (!isBefore(child, at)) {
        return;
      }
      swap(at, child);
      at = child;
    }
  }

  private boolean isBefore(int one, int other) {
    return Integer.compareUnsigned(seconds[one], seconds[other]) < 0;
  }

  private void swap(int one, int other) {
    int second = seconds[one];
    seconds[one] = seconds[other];
    seconds[other] = second;
    long place = places[one];
    places[one] = places[other];
    places[other] = place;
  }
}
