package dev.sealbuf.server.channel;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntSupplier;

/// How many clients may be connected, in all and of one uid, and how many are.
///
/// Two things bound them. **Descriptors**: a session takes one, and its process another, unless it
/// has others already; together they may take three quarters of those that the segments leave (the
/// rest is for replies on their way). **Heap**: 4 KiB are an idle session's, another 4 what it
/// began to send and what waits with that, 4 its part of what is kept in a [HeapBudget] and
/// elsewhere; a watched process takes some 500 bytes. One uid gets three quarters of the sessions
/// that either admits, so that no uid alone can lock the others out.
final class Admission {
  private static final long HEAP_PER_SESSION = 12 * 1024;
  private static final long HEAP_PER_PROCESS = 512;

  private final long maxDescriptors;
  private final long maxHeap;
  private final long maxOfUid;
  private final IntSupplier processes;
  private final Map<Integer, Integer> ofUid = new HashMap<>();
  private int sessions;

  /// @param descriptors that the process may open besides those of segments
  /// @param processes how many processes are watched, each by a descriptor
  Admission(long descriptors, long heapBytes, IntSupplier processes) {
    this.maxDescriptors = Math.max(1, threeQuarters(descriptors));
    this.maxHeap = Math.max(HEAP_PER_SESSION, heapBytes);
    this.maxOfUid =
        Math.max(1, threeQuarters(Math.min(maxDescriptors, maxHeap / HEAP_PER_SESSION)));
    this.processes = processes;
  }

  private static long threeQuarters(long count) {
    return count - count / 4;
  }

  /// Counts a session in, or says why not.
  Optional<String> enter(int uid) {
    int own = ofUid.getOrDefault(uid, 0);
    int watched = processes.getAsInt();
    if (sessions + watched >= maxDescriptors) {
      return Optional.of(
          "too many sessions: sessions=%d descriptors=%d max=%d"
              .formatted(sessions, sessions + watched, maxDescriptors));
    }
    long heap = sessions * HEAP_PER_SESSION + watched * HEAP_PER_PROCESS;
    if (heap > maxHeap - HEAP_PER_SESSION) {
      return Optional.of(
          "too many sessions for the heap: sessions=%d bytes=%d max=%d"
              .formatted(sessions, heap, maxHeap));
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
