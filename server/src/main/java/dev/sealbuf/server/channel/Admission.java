package dev.sealbuf.server.channel;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// How many clients may be connected, in all and of one uid, and how many are.
///
/// Two things bound them. **Descriptors**: a session takes one, and its process another, unless it
/// has others already; together they may take three quarters of those that the segments leave (the
/// rest is for replies on their way). **Heap**: 4 KiB are an idle session's, another 4 what it
/// began to send and what waits with that, 4 its part of what is kept in a [HeapBudget] and
/// elsewhere; a watched process takes some 500 bytes. One uid gets three quarters of either, so
/// that no uid alone can lock the others out.
final class Admission {
  private static final long HEAP_PER_SESSION = 12 * 1024;
  private static final long HEAP_PER_PROCESS = 512;

  private final Bounds all;
  private final Bounds ofOneUid;
  private final Processes processes;
  private final Map<Integer, Integer> ofUid = new HashMap<>();
  private int sessions;

  /// How many processes are watched, each by a descriptor.
  interface Processes {
    int count();

    int count(int uid);
  }

  /// @param descriptors that the process may open besides those of segments
  Admission(long descriptors, long heapBytes, Processes processes) {
    this.all = Bounds.of(threeQuarters(descriptors), heapBytes);
    this.ofOneUid = Bounds.of(threeQuarters(all.descriptors), threeQuarters(all.heapBytes));
    this.processes = processes;
  }

  private static long threeQuarters(long count) {
    return count - count / 4;
  }

  /// Counts a session in, or says why not.
  Optional<String> enter(int uid) {
    int own = ofUid.getOrDefault(uid, 0);
    Optional<String> full = all.exceeded(sessions, processes.count());
    if (full.isPresent()) {
      return full.map("too many sessions: "::concat);
    }
    full = ofOneUid.exceeded(own, processes.count(uid));
    if (full.isPresent()) {
      String who = "too many sessions of one uid: uid=" + Integer.toUnsignedString(uid) + " ";
      return full.map(who::concat);
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

  private record Bounds(long descriptors, long heapBytes) {
    /// For one session at the least.
    static Bounds of(long descriptors, long heapBytes) {
      return new Bounds(Math.max(1, descriptors), Math.max(HEAP_PER_SESSION, heapBytes));
    }

    /// What one more would exceed, if anything.
    Optional<String> exceeded(int sessions, int processes) {
      int open = sessions + processes;
      if (open >= descriptors) {
        return Optional.of(
            "sessions=%d descriptors=%d max=%d".formatted(sessions, open, descriptors));
      }
      long heap = sessions * HEAP_PER_SESSION + processes * HEAP_PER_PROCESS;
      if (heap > heapBytes - HEAP_PER_SESSION) {
        return Optional.of("sessions=%d heap=%d max=%d".formatted(sessions, heap, heapBytes));
      }
      return Optional.empty();
    }
  }
}
