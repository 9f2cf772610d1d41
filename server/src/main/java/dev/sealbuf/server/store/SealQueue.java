package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.SealOutcome;
import dev.sealbuf.server.segment.Workers;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Seals on the workers, at most one in flight a uid: a producer whose pinned pages make the kernel
/// wait holds up its own seals only.
///
/// A segment that is still mapped is tried again for a while, since the usual reason, a forked
/// child that has not yet replaced its memory, passes by itself. Nothing waits between two tries.
final class SealQueue {
  static final long PATIENCE_MILLIS = 100;
  private static final long PAUSE_MILLIS = 5;

  /// A seal that was asked for.
  private record Request(
      UnfinishedBuffer buffer, Consumer<SealOutcome> done, Consumer<Throwable> failed) {
    int uid() {
      return buffer.producer().uid();
    }

    boolean isMoot() {
      return buffer.hasEnded();
    }
  }

  private final Workers workers;
  private final Clock clock;

  /// A uid with a seal in flight, and what waits behind it.
  private final Map<Integer, Queue<Request>> waiting = new HashMap<>();

  SealQueue(Workers workers, Clock clock) {
    this.workers = workers;
    this.clock = clock;
  }

  /// Seals the buffer's segment when its uid's turn comes. A buffer that ends before is not tried
  /// and comes back as still mapped.
  void submit(UnfinishedBuffer buffer, Consumer<SealOutcome> done, Consumer<Throwable> failed) {
    Request request = new Request(buffer, done, failed);
    Queue<Request> line = waiting.get(request.uid());
    if (line == null) {
      waiting.put(request.uid(), new ArrayDeque<>());
      begin(request);
    } else {
      line.add(request);
    }
  }

  private void begin(Request request) {
    long deadline = clock.nanos() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MILLIS);
    attempt(request, 0, deadline);
  }

  private void attempt(Request request, long pauseMillis, long deadline) {
    workers.callLater(
        pauseMillis,
        request.buffer.segment()::seal,
        outcome -> judge(request, outcome, deadline),
        failure -> {
          request.failed.accept(failure);
          next(request.uid());
        });
  }

  private void judge(Request request, SealOutcome outcome, long deadline) {
    boolean again =
        outcome instanceof SealOutcome.StillMapped
            && !request.isMoot()
            && clock.nanos() - deadline < 0;
    if (again) {
      attempt(request, PAUSE_MILLIS, deadline);
    } else {
      request.done.accept(outcome);
      next(request.uid());
    }
  }

  private void next(int uid) {
    Queue<Request> line = waiting.getOrDefault(uid, new ArrayDeque<>());
    for (Request request = line.poll(); request != null; request = line.poll()) {
      if (!request.isMoot()) {
        begin(request);
        return;
      }
      request.done.accept(new SealOutcome.StillMapped());
    }
    waiting.remove(uid);
  }
}
