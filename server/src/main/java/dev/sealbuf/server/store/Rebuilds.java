package dev.sealbuf.server.store;

import dev.sealbuf.protocol.HeaderLayout;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.function.IntConsumer;

/// Which tables wait to be built anew: one a turn of the loop, so that nobody waits for more than
/// one.
final class Rebuilds implements AutoCloseable {
  private final Executor turns;
  private final IntConsumer rebuild;
  private final Queue<Integer> waiting = new ArrayDeque<>();
  private final BitSet queued = new BitSet(HeaderLayout.TABLES);
  private boolean closed;

  /// @param turns runs a task in a later turn of the loop, sockets looked at in between
  Rebuilds(Executor turns, IntConsumer rebuild) {
    this.turns = turns;
    this.rebuild = rebuild;
  }

  void request(int table) {
    if (!queued.get(table)) {
      queued.set(table);
      waiting.add(table);
      if (waiting.size() == 1) {
        turns.execute(this::next);
      }
    }
  }

  private void next() {
    Integer table = closed ? null : waiting.poll();
    if (table != null) {
      queued.clear(table);
      if (!waiting.isEmpty()) {
        turns.execute(this::next);
      }
      rebuild.accept(table);
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
