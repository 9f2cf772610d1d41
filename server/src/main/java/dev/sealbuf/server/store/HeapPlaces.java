package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import java.util.HashMap;
import java.util.Map;

/// How many of something that only lives on the heap there may be: together no more than an eighth
/// of the heap holds, and of one uid three quarters of that, so that no uid alone can lock the
/// others out.
final class HeapPlaces {
  private static final int HEAP_SHARE = 8;

  private final String what;
  private final long max;
  private final long maxOfUid;
  private final Map<Integer, Integer> ofUid = new HashMap<>();
  private int taken;

  /// @param what plural, for messages
  /// @param bytesEach what one of them costs
  HeapPlaces(String what, long heapBytes, int bytesEach) {
    this(what, heapBytes / HEAP_SHARE / bytesEach);
  }

  /// So many, whatever they cost on the heap.
  HeapPlaces(String what, long max) {
    this.what = what;
    this.max = max;
    this.maxOfUid = max - max / 4;
  }

  int taken() {
    return taken;
  }

  /// Of this uid.
  int taken(int uid) {
    return ofUid.getOrDefault(uid, 0);
  }

  void take(int uid) throws Refusal {
    require(uid);
    takeRequired(uid);
  }

  /// Refuses if there is no place.
  void require(int uid) throws Refusal {
    require(uid, 1);
  }

  /// Refuses if there are not so many places.
  void require(int uid, int count) throws Refusal {
    int own = taken(uid);
    if (taken + count > max || own + count > maxOfUid) {
      throw new Refusal(
          ErrorCode.TRY_AGAIN,
          "too many %s: count=%d max=%d of_uid=%d max_of_uid=%d"
              .formatted(what, taken, max, own, maxOfUid));
    }
  }

  /// Takes a place of which it is known in the same turn that it is there.
  void takeRequired(int uid) {
    takeRequired(uid, 1);
  }

  private void takeRequired(int uid, int count) {
    taken += count;
    ofUid.merge(uid, count, Integer::sum);
  }

  void give(int uid) {
    give(uid, 1);
  }

  private void give(int uid, int count) {
    taken -= count;
    ofUid.computeIfPresent(uid, (_, own) -> own == count ? null : own - count);
  }

  /// Takes some at once; none costs nothing.
  Lease lease(int uid, int count) throws Refusal {
    if (count > 0) {
      require(uid, count);
      takeRequired(uid, count);
    }
    return new Lease(uid, count);
  }

  /// Places that are given back together, once.
  final class Lease implements AutoCloseable {
    private final int uid;
    private int count;

    private Lease(int uid, int count) {
      this.uid = uid;
      this.count = count;
    }

    @Override
    public void close() {
      if (count > 0) {
        give(uid, count);
        count = 0;
      }
    }
  }
}
