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
    int own = ofUid.getOrDefault(uid, 0);
    if (taken >= max || own >= maxOfUid) {
      throw new Refusal(
          ErrorCode.TRY_AGAIN,
          "too many %s: count=%d max=%d of_uid=%d max_of_uid=%d"
              .formatted(what, taken, max, own, maxOfUid));
    }
    taken++;
    ofUid.put(uid, own + 1);
  }

  void give(int uid) {
    taken--;
    ofUid.computeIfPresent(uid, (_, own) -> own == 1 ? null : own - 1);
  }
}
