package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/// What each uid has of a store, and how much it may have.
///
/// | what | charged to | from | until |
/// |---|---|---|---|
/// | a dedicated segment | the uid that asked for it | create | nobody holds it any more |
/// | a record, and a payload behind it in the slab | the uid that published | publication | its name leads to it no more |
///
/// **A segment that is deleted and still held** is kept by whoever looks at it, and no kernel tells
/// a daemon that is not root who that is. So each uid that was ever handed it, the publisher among
/// them, is charged an equal part: to hold what others published costs as much as it takes from
/// them, and so does to leave others with what they once looked at.
///
/// Segments that wait to be let go of are charged as they were. Who finds a quota used up lets go
/// of them first, like who finds the account full: after a deletion nobody is refused for its
/// memory.
///
/// The memory of a slab beyond what is live in it is the store's own, until nothing is: then it is
/// like any other segment that is held.
public final class Quota {
  /// What one uid may have.
  public record Limits(long bytes, long buffers) {
    /// As much as there is room for.
    public static final Limits NONE = new Limits(Long.MAX_VALUE, Long.MAX_VALUE);
  }

  /// What one uid has.
  ///
  /// @param buffers that are published
  public record Use(long bytes, long buffers) {
    static final Use NOTHING = new Use(0, 0);

    private Use plus(long moreBytes, long moreBuffers) {
      return new Use(bytes + moreBytes, buffers + moreBuffers);
    }
  }

  /// What one request gets back by itself: a millisecond.
  private static final int RECLAIMS = HeldSegments.LET_GO_AT_ONCE;

  private final Map<Integer, Use> uses = new HashMap<>();
  private Limits limits;
  private BooleanSupplier reclaim = () -> false;

  Quota(Limits limits) {
    this.limits = limits;
  }

  Limits limits() {
    return limits;
  }

  /// Goes on with other limits, be more taken already or not.
  void limit(Limits next) {
    limits = next;
  }

  /// Who gives back one thing more of what waits for it; false when nothing does.
  void whenShort(BooleanSupplier one) {
    reclaim = one;
  }

  Use of(int uid) {
    return uses.getOrDefault(uid, Use.NOTHING);
  }

  /// Refuses a uid that would have too much with so much more.
  void require(int uid, long bytes, long buffers) throws Refusal {
    for (int i = 0; i < RECLAIMS && bytes > room(uid) && reclaim.getAsBoolean(); i++) {}
    Use use = of(uid);
    if (bytes > left(limits.bytes, use.bytes)) {
      throw new Refusal(
          ErrorCode.QUOTA_EXCEEDED,
          "too many bytes of one uid: uid=%s requested=%d used=%d max=%d"
              .formatted(Integer.toUnsignedString(uid), bytes, use.bytes, limits.bytes));
    }
    if (buffers > left(limits.buffers, use.buffers)) {
      throw new Refusal(
          ErrorCode.QUOTA_EXCEEDED,
          "too many buffers of one uid: uid=%s requested=%d used=%d max=%d"
              .formatted(Integer.toUnsignedString(uid), buffers, use.buffers, limits.buffers));
    }
  }

  /// Bytes that a uid may have besides what it has.
  long room(int uid) {
    return left(limits.bytes, of(uid).bytes);
  }

  /// Who asks for nothing is not refused for having too much.
  private static long left(long limit, long use) {
    return limit == Long.MAX_VALUE ? limit : Math.max(limit - use, 0);
  }

  /// Charges a uid for so much more, or, negative, less.
  void add(int uid, long bytes, long buffers) {
    Use next = of(uid).plus(bytes, buffers);
    if (next.equals(Use.NOTHING)) {
      uses.remove(uid);
    } else {
      uses.put(uid, next);
    }
  }

  /// Charges uids for a segment, each an equal part.
  Debt owe(Collection<Integer> uids, long bytes) {
    return new Debt(List.copyOf(uids), bytes);
  }

  /// Who is charged for one segment. Closing it gives everything back, once.
  final class Debt implements AutoCloseable {
    private final List<Integer> debtors;
    private final long bytes;
    private boolean closed;

    private Debt(List<Integer> debtors, long bytes) {
      this.debtors = debtors;
      this.bytes = bytes;
      add(1);
    }

    List<Integer> debtors() {
      return debtors;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        add(-1);
      }
    }

    /// The first bears what cannot be divided.
    private void add(int sign) {
      for (int i = 0; i < debtors.size(); i++) {
        long part = bytes / debtors.size() + (i == 0 ? bytes % debtors.size() : 0);
        Quota.this.add(debtors.get(i), sign * part, 0);
      }
    }
  }
}
