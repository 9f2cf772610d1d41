package dev.sealbuf.server.store;

import static java.util.Objects.requireNonNull;

import dev.sealbuf.memory.PageSizes;
import dev.sealbuf.protocol.ErrorCode;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// What the store's memory is used for, to the byte.
///
/// Every segment is charged here before its first page is touched and until nobody holds it any
/// more ([HeldSegments]); [Charge] is the receipt. Past the capacity or the number of segments the
/// answer is `store_full`, and nothing has changed. The kernel gives no second chance: a memory
/// cgroup that is overdrawn answers with SIGKILL.
///
/// Two things pass the capacity: memory that is found to be held after it was given back, and one
/// slab at a time that [Compaction] copies to.
final class Account {
  /// Whose bytes they are; the figures of `stat` are the sums by kind.
  enum Kind {
    CATALOG,
    SLAB,
    UNFINISHED,
    DEDICATED,
    /// Being made for whoever asks next.
    PREPARING,
    /// Made for whoever asks next, and given back to whoever needs the room.
    PREPARED,
    /// Lent to a producer for what it publishes next.
    SPARE,
    /// Nothing leads to them any more, and somebody still holds them.
    HELD
  }

  /// Count and bytes of one kind; the only mutable state besides the sum.
  private static final class Sum {
    long segments;
    long bytes;
  }

  /// Without huge pages nothing fails to be in one.
  private static final long HUGE_PAGE = PageSizes.huge().orElse(Long.MAX_VALUE);

  /// What one request gets back by itself: a millisecond.
  private static final int RECLAIMS = HeldSegments.LET_GO_AT_ONCE;

  private long capacity;
  private final int segmentsMax;
  private final Headroom headroom;
  private final Map<Kind, Sum> sums = new EnumMap<>(Kind.class);
  private long segments;
  private long used;
  private long hugePageBytes;
  private long hugePageFailures;
  private long closing;
  private Runnable changed = () -> {};
  private BooleanSupplier reclaim = () -> false;
  private BooleanSupplier giveWay = () -> false;

  /// @param headroom what the kernel has left, the store's capacity apart
  Account(long capacity, int segmentsMax, Headroom headroom) {
    this.capacity = capacity;
    this.segmentsMax = segmentsMax;
    this.headroom = headroom;
    headroom.promise(capacity);
    for (Kind kind : Kind.values()) {
      sums.put(kind, new Sum());
    }
  }

  /// So many bytes are not charged any more while a worker still gives them back, or, negative, has
  /// given them back.
  void closing(long bytes) {
    closing += bytes;
    headroom.account(bytes);
  }

  /// Whether workers are giving memory back.
  boolean isClosing() {
    return closing > 0;
  }

  /// Who is to look again whether there is room.
  void whenChanged(Runnable listener) {
    changed = listener;
  }

  /// Who gives back one thing more of what waits for it; false when nothing does.
  void whenShort(BooleanSupplier one) {
    reclaim = one;
  }

  /// Who gives back one prepared segment, if that is not enough but all of them are, and what is
  /// being made; false when there is none.
  void whenStillShort(BooleanSupplier one) {
    giveWay = one;
  }

  /// Admits one segment, whose memory is allocated next.
  Charge charge(Kind kind, long bytes) throws Refusal {
    requireRoom(bytes);
    return admit(kind, bytes);
  }

  /// The same for one who gives more back by it than it takes: while the capacity is respected it
  /// may pass it, once, until it is respected again. What the control group allows still counts.
  Charge chargeBeyond(Kind kind, long bytes) throws Refusal {
    requireRespected(bytes);
    return admit(kind, bytes);
  }

  /// Refuses, while more is taken than the capacity, what wants so many bytes more.
  void requireRespected(long bytes) throws Refusal {
    reclaim(0);
    if (isOverdrawn()) {
      throw full(bytes);
    }
  }

  /// Whether more is taken than the capacity.
  boolean isOverdrawn() {
    return taken() > capacity;
  }

  private Charge admit(Kind kind, long bytes) throws Refusal {
    requireDescriptor();
    if (!headroom.admits(bytes, closing)) {
      throw new Refusal(
          ErrorCode.STORE_FULL,
          "no room below the limit of the control group: requested=%d free=%d"
              .formatted(bytes, headroom.left()));
    }
    segments++;
    take(bytes);
    headroom.untouched(bytes);
    changed.run();
    return new Charge(kind, bytes);
  }

  private void take(long bytes) {
    used += bytes;
    headroom.account(bytes);
  }

  private void requireDescriptor() throws Refusal {
    if (segments == segmentsMax) {
      throw new Refusal(
          ErrorCode.STORE_FULL,
          "too many segments: segments=%d max=%d".formatted(segments, segmentsMax));
    }
  }

  /// Admits one more description of a segment that is charged: it takes the place of a segment.
  void openDescriptor() throws Refusal {
    reclaim(0);
    requireDescriptor();
    segments++;
  }

  /// That description is closed.
  void closeDescriptor() {
    segments--;
  }

  /// Takes account of a segment that is there, whether there is room for it or not, and of which
  /// the daemon has no descriptor.
  Charge chargeHeld(long bytes) {
    segments++;
    take(bytes);
    headroom.untouched(bytes);
    Charge charge = new Charge(Kind.HELD, bytes);
    charge.allocated();
    charge.descriptorClosed();
    return charge;
  }

  /// Bytes that would be admitted now.
  long room() {
    return spare() + bytes(Kind.PREPARED);
  }

  /// Segments that would be admitted now.
  long spareSegments() {
    return segmentsMax - segments;
  }

  /// Bytes that would be admitted without anything being given back for them.
  long spare() {
    return Math.min(capacity - taken(), headroom.left());
  }

  /// Whether so many bytes would be admitted, after what waits for it was given back, and workers
  /// have done what they have in hand: the control group does not know of that yet.
  boolean hasRoom(long bytes) {
    reclaim(bytes);
    return bytes <= capacity - taken() && bytes - closing <= headroom.left();
  }

  private void reclaim(long bytes) {
    for (int i = 0; i < RECLAIMS && isShort(bytes) && reclaimOne(bytes); i++) {}
  }

  private boolean reclaimOne(long bytes) {
    boolean inVain = bytes > room() + bytes(Kind.PREPARING);
    return reclaim.getAsBoolean() || (!inVain && giveWay.getAsBoolean());
  }

  private boolean isShort(long bytes) {
    return bytes > spare() || segments == segmentsMax;
  }

  /// What the kernel charges beyond what is charged here.
  long unseen() {
    return headroom.unseen(capacity);
  }

  private long taken() {
    return used + unseen();
  }

  /// Refuses what could not be admitted now.
  void requireRoom(long bytes) throws Refusal {
    reclaim(bytes);
    if (bytes > capacity - taken() && unseen() > 0) {
      headroom.read(); // what was said last may be over
    }
    if (bytes > capacity - taken()) {
      throw full(bytes);
    }
  }

  private Refusal full(long bytes) {
    return new Refusal(
        ErrorCode.STORE_FULL,
        "no room below the capacity: requested=%d used=%d capacity=%d"
            .formatted(bytes, taken(), capacity));
  }

  long capacity() {
    return capacity;
  }

  /// Goes on with another capacity, be more taken already or not.
  void limit(long bytes) {
    headroom.promise(bytes - capacity);
    capacity = bytes;
    changed.run();
  }

  /// What is taken and would not be given back for others.
  long used() {
    return used - bytes(Kind.PREPARED) - bytes(Kind.PREPARING) - bytes(Kind.SPARE);
  }

  long hugePageBytes() {
    return hugePageBytes;
  }

  /// Whole huge pages for which the kernel gave small ones, since the start.
  long hugePageFailures() {
    return hugePageFailures;
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
    private long bytes;
    private Kind kind;
    private long huge;
    private boolean allocated;
    private boolean descriptor = true;
    private Quota.@Nullable Debt debt;
    private boolean closed;

    private Charge(Kind kind, long bytes) {
      this.kind = kind;
      this.bytes = bytes;
      add(1);
    }

    long bytes() {
      return bytes;
    }

    /// Notes how many of the bytes came in huge pages: the memory is there.
    void inHugePages(long hugeBytes) {
      if (!allocated) {
        hugePageFailures += (bytes - hugeBytes) / HUGE_PAGE;
      }
      allocated();
      countHuge(hugeBytes);
    }

    private void countHuge(long hugeBytes) {
      hugePageBytes += hugeBytes - huge;
      huge = hugeBytes;
    }

    /// It is owed by somebody from here on, or by nobody: the store's own.
    void owedBy(Quota.@Nullable Debt next) {
      if (debt != null) {
        debt.close();
      }
      debt = next;
    }

    /// The uids that owe it.
    List<Integer> debtors() {
      return debt == null ? List.of() : debt.debtors();
    }

    /// The segment was cut; what is left is in huge pages as far as said.
    void cut(long left, long hugeBytes) {
      sum(kind).bytes -= bytes - left;
      take(left - bytes);
      bytes = left;
      countHuge(hugeBytes);
      changed.run();
    }

    private void allocated() {
      if (!allocated) {
        allocated = true;
        headroom.untouched(-bytes);
      }
    }

    /// The same segment, now of another kind.
    void becomes(Kind next) {
      add(-1);
      kind = next;
      add(1);
      if (next == Kind.PREPARED) {
        changed.run();
      }
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
        allocated();
        countHuge(0);
        take(-bytes);
        owedBy(null);
        changed.run();
      }
    }

    private void add(int sign) {
      Sum sum = sum(kind);
      sum.segments += sign;
      sum.bytes += sign * bytes;
    }
  }
}
