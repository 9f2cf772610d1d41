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
    int own = taken(uid);
    if (taken >= max || own >= maxOfUid) {
      throw new Refusal(
          ErrorCode.TRY_AGAIN,
          "too many %s: count=%d max=%d of_uid=%d max_of_uid=%d"
              .formatted(what, taken, max, own, maxOfUid));
    }
  }

  /// Takes a place of which it is known in the same turn that it is there.
  void takeRequired(int uid) {
    taken++;
    ofUid.merge(uid, 1, Integer::sum);
  }

  void give(int uid) {
    taken--;
    ofUid.computeIfPresent(uid, (_, own) -> own == 1 ? null : own - 1);
  }
}
