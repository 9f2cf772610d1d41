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
    this.what = what;
    this.max = heapBytes / HEAP_SHARE / bytesEach;
    this.maxOfUid = max - max / 4;
  }

  int taken() {
    return taken;
  }

  void take(int uid) throws Refusal {
    take(uid, 1);
  }

  private void take(int uid, int count) throws Refusal {
    int own = ofUid.getOrDefault(uid, 0);
    if (taken + count > max || own + count > maxOfUid) {
      throw new Refusal(
          ErrorCode.TRY_AGAIN,
          "too many %s: count=%d max=%d of_uid=%d max_of_uid=%d"
              .formatted(what, taken, max, own, maxOfUid));
    }
    taken += count;
    ofUid.put(uid, own + count);
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
      take(uid, count);
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
