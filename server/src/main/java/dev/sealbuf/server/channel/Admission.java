package dev.sealbuf.server.channel;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntSupplier;

/// How many clients may be connected, in all and of one uid, and how many are.
///
/// A session costs a descriptor, its process another one, and some heap, so both bound the number:
/// three quarters of the descriptors that the segments leave (the rest is for replies on their
/// way), and the heap: 4 KiB are an idle session's, another 4 what it began to send and what waits
/// with that, 2 small replies that it does not read. One uid gets three quarters of that, so that
/// no uid alone can lock the others out.
final class Admission {
  private static final long HEAP_PER_SESSION = 12 * 1024;

  private final int max;
  private final int maxOfUid;
  private final IntSupplier processes;
  private final Map<Integer, Integer> ofUid = new HashMap<>();
  private int sessions;

  /// @param descriptors that the process may open besides those of segments
  /// @param processes how many processes are watched
  Admission(long descriptors, long heapBytes, IntSupplier processes) {
    this.max =
        (int) Math.max(1, Math.min(threeQuarters(descriptors), heapBytes / HEAP_PER_SESSION));
    this.processes = processes;
    this.maxOfUid = (int) Math.max(1, threeQuarters(max));
  }

  private static long threeQuarters(long count) {
    return count - count / 4;
  }

  /// Counts a session in, or says why not.
  Optional<String> enter(int uid) {
    int own = ofUid.getOrDefault(uid, 0);
    int descriptors = sessions + processes.getAsInt();
    if (descriptors >= max) {
      return Optional.of(
          "too many sessions: sessions=%d descriptors=%d max=%d"
              .formatted(sessions, descriptors, max));
    }
    if (own >= maxOfUid) {
      return Optional.of(
          "too many sessions of one uid: uid=%s sessions=%d max=%d"
              .formatted(Integer.toUnsignedString(uid), own, maxOfUid));
    }
    ofUid.put(uid, own + 1);
    sessions++;
    return Optional.empty();
  }

  /// Counts a session out.
  void leave(int uid) {
    sessions--;
    ofUid.computeIfPresent(uid, (_, count) -> count == 1 ? null : count - 1);
  }

  int sessions() {
    return sessions;
  }
}
