package dev.sealbuf.server.store;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.Executor;

/// Tells new watchers of what was published before they came.
///
/// It is found by a walk along the slabs, which goes on in slices: one a turn of the loop for all
/// watchers together. A watcher that was told something in a slice is told more when it has taken
/// that; so a replay never fills a queue, and nothing of it is dropped.
final class Replays {
  /// Some 0.5 ms.
  private static final int STEPS_A_SLICE = 16_384;

  /// To write an event, in steps of the walk.
  private static final int TELL = 64;

  /// One watcher's.
  static final class Replay {
    private final Watcher watcher;
    private final long until;
    private Place at = Place.START;

    private Replay(Watcher watcher, long until) {
      this.watcher = watcher;
      this.until = until;
    }
  }

  private final SlabWalk walk;
  private final Executor turns;
  private final Deque<Replay> due = new ArrayDeque<>();
  private boolean scheduled;

  /// @param turns runs tasks one after the other, and looks after the sockets between any two
  Replays(SlabWalk walk, Executor turns) {
    this.walk = walk;
    this.turns = turns;
  }

  /// Begins to tell of what is published, up to this version.
  Replay begin(Watcher watcher, long until) {
    Replay replay = new Replay(watcher, until);
    resume(replay);
    return replay;
  }

  /// The watcher has taken what it was told.
  void resume(Replay replay) {
    if (!due.contains(replay)) {
      due.add(replay);
      schedule();
    }
  }

  void end(Replay replay) {
    due.remove(replay);
  }

  private void schedule() {
    if (!scheduled && !due.isEmpty()) {
      scheduled = true;
      turns.execute(this::slice);
    }
  }

  private void slice() {
    scheduled = false;
    Optional.ofNullable(due.poll()).ifPresent(this::slice);
    schedule();
  }

  private void slice(Replay replay) {
    Watcher watcher = replay.watcher;
    SlabWalk.Budget budget = new SlabWalk.Budget(STEPS_A_SLICE);
    boolean[] told = {false};
    Optional<Place> next =
        walk.walk(
            replay.at,
            replay.until,
            budget,
            (record, _) -> {
              if (!watcher.watches(record.name())) {
                return true;
              }
              told[0] = true;
              budget.spend(TELL);
              return watcher.replay(new Event.Sealed(record));
            });
    if (next.isEmpty()) {
      watcher.replayed();
      return;
    }
    replay.at = next.get();
    if (!told[0]) {
      due.add(replay);
    }
  }
}
