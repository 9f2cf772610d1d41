package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.HeaderLayout;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Builds tables anew, one after the other: in slices of the loop's turns, sockets looked at in
/// between, since a table of 40 000 names takes ten milliseconds and more; in memory that a worker
/// has made.
///
/// A table that is complete is placed, and the old one is left as it is: it equals the truth until
/// that moment, so whoever loaded the directory word before reads nothing that was not true after
/// it began. If a window fills up before, its name is spilled, and comes back with the new table.
final class Rebuilds implements AutoCloseable {
  private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  /// Some 20 us.
  private static final int SLOTS_A_STEP = 256;

  private final Tables tables;
  private final TableSpace space;
  private final SpilledNames spilled;
  private final Slabs slabs;
  private final Executor turns;
  private final Clock clock;
  private final Queue<Integer> waiting = new ArrayDeque<>();

  /// Which tables wait or are being built.
  private final BitSet requested = new BitSet(HeaderLayout.TABLES);

  private @Nullable TableCopy copy;
  private int building;
  private boolean keepsSize;
  private boolean scheduled;
  private boolean preparing;
  private boolean closed;

  /// @param turns runs a task in a later turn of the loop, sockets looked at in between
  Rebuilds(
      Tables tables,
      TableSpace space,
      SpilledNames spilled,
      Slabs slabs,
      Executor turns,
      Clock clock) {
    this.tables = tables;
    this.space = space;
    this.spilled = spilled;
    this.slabs = slabs;
    this.turns = turns;
    this.clock = clock;
  }

  void request(int index) {
    if (!requested.get(index)) {
      requested.set(index);
      waiting.add(index);
      schedule();
    }
  }

  private void schedule() {
    if (!scheduled && !preparing && !closed && (copy != null || !waiting.isEmpty())) {
      scheduled = true;
      turns.execute(this::slice);
    }
  }

  private void slice() {
    scheduled = false;
    long end = clock.nanos() + SLICE_NANOS;
    boolean goesOn = true;
    while (goesOn && !closed && clock.nanos() - end < 0) {
      goesOn = proceed();
    }
    schedule();
  }

  /// False when there is nothing to do now.
  private boolean proceed() {
    if (copy != null) {
      if (!copy.step(SLOTS_A_STEP)) {
        finish(copy);
      }
      return true;
    }
    Integer next = preparing ? null : waiting.poll();
    if (next != null) {
      building = next;
      keepsSize = false;
      begin(TableCopy.log2SlotsFor(names()));
    }
    return next != null;
  }

  private int names() {
    return tables.get(building).live() + spilled.of(building);
  }

  private void begin(int log2Slots) {
    if (space.hasRoom(log2Slots)) {
      copyTo(log2Slots);
      return;
    }
    preparing = true;
    space.prepare(
        log2Slots,
        () -> {
          preparing = false;
          copyTo(log2Slots);
          schedule();
        });
  }

  /// Without memory for a new table the old one stays. Names that it has no slot for spill, and the
  /// next one asks again.
  private void copyTo(int log2Slots) {
    try {
      copy = new TableCopy(tables.get(building), space.allocate(log2Slots), slabs::hash);
    } catch (Refusal _) {
      requested.clear(building);
    }
  }

  private void finish(TableCopy done) {
    copy = null;
    Table old = done.from();
    Table table = done.to();
    List<Long> left = done.finish();
    if (!left.isEmpty() && table.log2Slots() < old.log2Slots()) {
      space.release(table);
      keepsSize = true;
      begin(old.log2Slots());
      return;
    }
    left.forEach(this::spill);
    takeBack(table);
    tables.place(building, table);
    if (keepsSize) {
      tables.keepSize(building, names() / 2);
    }
    requested.clear(building);
    space.release(old);
    relieve(old.segment());
  }

  private void spill(long word) {
    BufferRecord record = slabs.record(word);
    spilled.add(Name.of(record), word, (int) record.owner());
  }

  /// Names that had no slot in the old table.
  private void takeBack(Table table) {
    for (Name name : spilled.namesOf(building)) {
      if (table.insert(name.hash(), spilled.find(name))) {
        spilled.remove(name);
      }
    }
  }

  /// Moves the last tables out of a segment that is kept for few.
  private void relieve(long segment) {
    if (space.isSparse(segment)) {
      for (int index = 0; index < HeaderLayout.TABLES; index++) {
        if (tables.get(index).segment() == segment) {
          request(index);
        }
      }
    }
  }

  /// Builds no table any more.
  @Override
  public void close() {
    closed = true;
  }
}
