package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.NameException;
import dev.sealbuf.protocol.Names;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;

/// Tells everybody who watches of what is published and deleted.
///
/// To tell one watcher of one event takes some 0.2 us, and a batch of a thousand names may have
/// hundreds of watchers. So what one turn of the loop tells is bounded, and what is left waits for
/// slices of the loop: event by event, and each event watcher by watcher, so that everybody is told
/// in the order in which things happened. Events are numbered: a watcher is told of those that
/// happened after it came, and after the last that it was told it missed.
///
/// What waits is bounded too. When there is too much, each event that is added has the oldest one
/// told in the same turn: whoever publishes faster than watchers can be told pays for it.
final class Watchers implements PublicationListener {
  /// What a slice may cost, in steps of some 30 ns: 0.5 ms.
  private static final int STEPS_A_SLICE = 16_384;

  /// To look whether a watcher wants to know, and to tell it.
  private static final int LOOK = 1;

  private static final int TELL = 8;

  /// Events that wait, with their records on the heap: four batches.
  static final int WAITING_MAX = 4096;

  /// An event that not everybody was told of.
  private record Waiting(String name, Event event) {}

  private final LongSupplier version;
  private final Replays replays;
  private final Executor turns;
  private final Map<Long, Watcher> bySession = new LinkedHashMap<>();
  private final Queue<Waiting> waiting = new ArrayDeque<>();

  /// Those of [#bySession], made anew with each change: who goes over it may go on.
  private List<Watcher> all = List.of();

  /// Those who are told of the oldest event, and how many of them were.
  private List<Watcher> told = List.of();

  private int next;

  /// Number of the last event.
  private long last;

  private SlabWalk.Budget left = new SlabWalk.Budget(STEPS_A_SLICE);
  private boolean scheduled;

  /// @param version of the last publication
  /// @param turns runs tasks one after the other, and looks after the sockets between any two
  Watchers(LongSupplier version, Replays replays, Executor turns) {
    this.version = version;
    this.replays = replays;
    this.turns = turns;
  }

  int count() {
    return bySession.size();
  }

  /// Makes a session a watcher, until it ends.
  ///
  /// @param replay whether it is told of what is published already
  Watcher add(Peer peer, String prefix, boolean replay, Watcher.Sink sink) throws Refusal {
    try {
      Names.prefix(prefix);
    } catch (NameException e) {
      throw new Refusal(ErrorCode.INVALID_NAME, e.getMessage());
    }
    Watcher watcher = new Watcher(prefix, sink, version, () -> last, replays);
    bySession.put(peer.session(), watcher);
    all = List.copyOf(bySession.values());
    if (replay) {
      watcher.beginReplay();
    }
    return watcher;
  }

  void endSession(long session) {
    Watcher watcher = bySession.remove(session);
    if (watcher != null) {
      watcher.end();
      all = List.copyOf(bySession.values());
    }
  }

  @Override
  public void published(BufferRecord record) {
    tell(record.name(), new Event.Sealed(record));
  }

  @Override
  public void deleted(BufferRecord record) {
    tell(record.name(), new Event.Deleted(record));
  }

  private void tell(String name, Event event) {
    last++;
    if (bySession.isEmpty() && waiting.isEmpty()) {
      return;
    }
    waiting.add(new Waiting(name, event));
    if (waiting.size() > WAITING_MAX) {
      tellOldest(waiting.element(), new SlabWalk.Budget(Long.MAX_VALUE));
    }
    tellAll();
    if (!scheduled) {
      scheduled = true;
      turns.execute(this::slice);
    }
  }

  private void slice() {
    scheduled = false;
    left = new SlabWalk.Budget(STEPS_A_SLICE);
    tellAll();
    if (!waiting.isEmpty()) {
      scheduled = true;
      turns.execute(this::slice);
    }
  }

  /// As far as this turn goes.
  private void tellAll() {
    while (!waiting.isEmpty() && !left.isSpent()) {
      tellOldest(waiting.element(), left);
    }
  }

  private void tellOldest(Waiting oldest, SlabWalk.Budget budget) {
    long number = last - waiting.size() + 1;
    if (next == 0) {
      told = all;
    }
    for (; next < told.size(); next++) {
      if (budget.isSpent()) {
        return;
      }
      boolean wanted = told.get(next).tell(number, oldest.name, oldest.event);
      budget.spend(wanted ? TELL : LOOK);
    }
    waiting.remove();
    next = 0;
  }
}
