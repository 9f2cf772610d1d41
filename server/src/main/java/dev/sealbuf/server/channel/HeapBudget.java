package dev.sealbuf.server.channel;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;

/// What unfinished input and unread output of all connections together may take of the heap.
///
/// The limits of the protocol bound one connection (a frame, OUTPUT_MAX); times the number of
/// connections that is more than a small heap has. So whatever is kept for longer than a turn of
/// the loop is taken from here: a frame that has begun to arrive waits until there is room, a reply
/// that is not read and finds none costs its session. One uid gets a quarter of the budget, so that
/// others find room whatever it does.
///
/// Input of up to SMALL bytes, and as much of events, is not counted: it is part of what a session
/// costs. Replies are all counted, since hundreds of small ones may wait for one session.
final class HeapBudget {
  private static final int SMALL = 1024;

  /// What a reply takes besides the bytes of its frame: the reply itself, whose text is kept with
  /// it, the buffer, its place in the queue, and its descriptors.
  static final int PER_REPLY = 512;

  private static final int HEAP_SHARE = 4;
  private static final int UID_SHARE = 4;

  private final Executor loop;
  private final long max;
  private final long maxOfUid;
  private final Map<Integer, Long> ofUid = new HashMap<>();
  private final Set<Runnable> waiting = new LinkedHashSet<>();
  private long taken;

  /// @param loop where connections that wait are woken
  HeapBudget(long heapBytes, Executor loop) {
    this.loop = loop;
    this.max = heapBytes / HEAP_SHARE;
    this.maxOfUid = max / UID_SHARE;
  }

  /// One connection's part of the budget.
  ///
  /// @param retry what the connection does when there may be room again
  Share share(int uid, Runnable retry) {
    return new Share(uid, retry);
  }

  long taken() {
    return taken;
  }

  private void add(int uid, long bytes) {
    taken += bytes;
    ofUid.merge(uid, bytes, (old, more) -> old + more == 0 ? null : old + more);
    if (bytes < 0 && !waiting.isEmpty()) {
      List<Runnable> woken = List.copyOf(waiting);
      waiting.clear();
      woken.forEach(loop::execute);
    }
  }

  /// Closing it gives everything back.
  final class Share implements AutoCloseable {
    private final int uid;
    private final Runnable retry;
    private long own;

    private Share(int uid, Runnable retry) {
      this.uid = uid;
      this.retry = retry;
    }

    /// Takes so many bytes; if there is no room, the connection will hear when there may be.
    boolean takeOrWait(int bytes) {
      boolean room = take(bytes);
      if (!room) {
        waiting.add(retry);
      }
      return room;
    }

    /// Takes so many bytes, or nothing.
    boolean take(int bytes) {
      return bytes <= SMALL || charge(bytes);
    }

    /// Takes what it costs to keep a reply whose frame has so many bytes, or nothing.
    boolean takeReply(int frameBytes) {
      return charge(PER_REPLY + frameBytes);
    }

    private boolean charge(int bytes) {
      if (taken + bytes > max || ofUid.getOrDefault(uid, 0L) + bytes > maxOfUid) {
        return false;
      }
      own += bytes;
      add(uid, bytes);
      return true;
    }

    /// Takes so many bytes for what can be done without, if more than half would be left.
    boolean takeSpare(int bytes) {
      boolean spare =
          2 * (taken + bytes) <= max && 2 * (ofUid.getOrDefault(uid, 0L) + bytes) <= maxOfUid;
      return bytes <= SMALL || (spare && take(bytes));
    }

    /// Gives back what one [#take] or [#takeSpare] took.
    void give(int bytes) {
      if (bytes > SMALL) {
        discharge(bytes);
      }
    }

    /// Gives back what one [#takeReply] took.
    void giveReply(int frameBytes) {
      discharge(PER_REPLY + frameBytes);
    }

    private void discharge(int bytes) {
      own -= bytes;
      add(uid, -bytes);
    }

    @Override
    public void close() {
      waiting.remove(retry);
      long left = own;
      own = 0;
      if (left > 0) {
        add(uid, -left);
      }
    }
  }
}
