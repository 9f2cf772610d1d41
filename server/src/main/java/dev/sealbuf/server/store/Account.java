package dev.sealbuf.server.store;

import static java.util.Objects.requireNonNull;

import dev.sealbuf.protocol.ErrorCode;
import java.util.EnumMap;
import java.util.Map;

/// What the store's memory is used for, to the byte.
///
/// Every segment is charged here before its first page is touched and until nobody holds it any
/// more ([HeldSegments]); [Charge] is the receipt. Past the capacity or the number of segments the
/// answer is `store_full`, and nothing has changed. The kernel gives no second chance: a memory
/// cgroup that is overdrawn answers with SIGKILL.
final class Account {
  /// Whose bytes they are; the figures of `stat` are the sums by kind.
  enum Kind {
    CATALOG,
    SLAB,
    UNFINISHED,
    DEDICATED,
    /// Nothing leads to them any more, and somebody still holds them.
    HELD
  }

  /// Count and bytes of one kind; the only mutable state besides the sum.
  private static final class Sum {
    long segments;
    long bytes;
  }

  private final long capacity;
  private final int segmentsMax;
  private final Map<Kind, Sum> sums = new EnumMap<>(Kind.class);
  private long segments;
  private long used;
  private long hugePageBytes;

  Account(long capacity, int segmentsMax) {
    this.capacity = capacity;
    this.segmentsMax = segmentsMax;
    for (Kind kind : Kind.values()) {
      sums.put(kind, new Sum());
    }
  }

  /// Admits one segment.
  Charge charge(Kind kind, long bytes) throws Refusal {
    requireRoom(bytes);
    if (segments == segmentsMax) {
      throw new Refusal(
          ErrorCode.STORE_FULL,
          "too many segments: segments=%d max=%d".formatted(segments, segmentsMax));
    }
    segments++;
    used += bytes;
    return new Charge(kind, bytes);
  }

  /// Takes account of a segment that is there, whether there is room for it or not, and of which
  /// the daemon has no descriptor.
  Charge chargeHeld(long bytes) {
    segments++;
    used += bytes;
    Charge charge = new Charge(Kind.HELD, bytes);
    charge.descriptorClosed();
    return charge;
  }

  /// Refuses what could not be admitted now.
  void requireRoom(long bytes) throws Refusal {
    if (bytes > capacity - used) {
      throw new Refusal(
          ErrorCode.STORE_FULL,
          "no room below the capacity: requested=%d used=%d capacity=%d"
              .formatted(bytes, used, capacity));
    }
  }

  long capacity() {
    return capacity;
  }

  long used() {
    return used;
  }

  long hugePageBytes() {
    return hugePageBytes;
  }

  long segments(Kind kind) {
    return sum(kind).segments;
  }

  long bytes(Kind kind) {
    return sum(kind).bytes;
  }

  private Sum sum(Kind kind) {
    return requireNonNull(sums.get(kind));
  }

  /// One segment's place in the account. Closing it gives everything back, once.
  final class Charge implements AutoCloseable {
    private final long bytes;
    private Kind kind;
    private long huge;
    private boolean descriptor = true;
    private boolean closed;

    private Charge(Kind kind, long bytes) {
      this.kind = kind;
      this.bytes = bytes;
      add(1);
    }

    long bytes() {
      return bytes;
    }

    /// Notes how many of the bytes came in huge pages.
    void inHugePages(long hugeBytes) {
      hugePageBytes += hugeBytes - huge;
      huge = hugeBytes;
    }

    /// The same segment, now of another kind.
    void becomes(Kind next) {
      add(-1);
      kind = next;
      add(1);
    }

    /// The daemon has closed its own descriptor of the segment.
    void descriptorClosed() {
      if (descriptor) {
        descriptor = false;
        segments--;
      }
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        descriptorClosed();
        add(-1);
        inHugePages(0);
        used -= bytes;
      }
    }

    private void add(int sign) {
      Sum sum = sum(kind);
      sum.segments += sign;
      sum.bytes += sign * bytes;
    }
  }
}
