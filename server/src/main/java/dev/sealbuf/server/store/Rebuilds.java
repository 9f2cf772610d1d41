package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.HeaderLayout;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// Builds tables anew, one after the other: in slices of the loop's turns, sockets looked at in
/// between, since a table of 40 000 names takes ten milliseconds and more; in memory that a worker
/// has made.
///
/// A table that is complete is placed, and the old one is left as it is: it equals the truth until
/// that moment, so whoever loaded the directory word before reads nothing that was not true after
/// it began. If a window fills up before, its name is spilled, and comes back with the new table.
///
/// **Who puts helps.** When many connections are busy, slices get little of the loop's time, and
/// tables that are crowded become full. So each name that comes to one that is due copies a few
/// slots of whichever is being built, as far as there is memory: by the time all are built anew,
/// none has got more than two sixteenths fuller.
final class Rebuilds implements AutoCloseable {
  private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  /// Some 20 us.
  private static final int SLOTS_A_STEP = 256;

  /// Some 0.6 us. Every slot of all tables is copied when an eighth as many names have come.
  private static final int SLOTS_A_NAME = 8;

  private final Tables tables;
  private final TableSpace space;
  private final SpilledNames spilled;
  private final Slabs slabs;
  private final Executor turns;
  private final Clock clock;
  private final Queue<Integer> waiting = new ArrayDeque<>();

  /// Which tables wait or are being built.
  private final BitSet requested = new BitSet(HeaderLayout.TABLES);

  private LongConsumer makeRoom = _ -> {};

  /// The one that is being built, and how large it is to be: 0 if there is none.
  private int building;

  private int log2Slots;

  /// There is none before there is memory.
  private @Nullable TableCopy copy;

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

  /// Who makes room in the account for so many bytes, if that is wanted.
  void whenShort(LongConsumer listener) {
    makeRoom = listener;
  }

  /// A table is due. Whoever says so again helps: nothing but copying, since it is in the middle of
  /// something.
  void request(int index) {
    if (!requested.get(index)) {
      add(index);
    } else if (!closed) {
      proceed(SLOTS_A_NAME);
    }
  }

  private void add(int index) {
    requested.set(index);
    waiting.add(index);
    schedule();
  }

  private void schedule() {
    if (!scheduled && !preparing && !closed && (log2Slots != 0 || !waiting.isEmpty())) {
      scheduled = true;
      turns.execute(this::slice);
    }
  }

  private void slice() {
    scheduled = false;
    long end = clock.nanos() + SLICE_NANOS;
    boolean goesOn = true;
    while (goesOn && !closed && clock.nanos() - end < 0) {
      goesOn = proceed(SLOTS_A_STEP);
    }
    if (!goesOn && log2Slots != 0 && !preparing) {
      prepare();
    }
    schedule();
  }

  /// False when there is nothing to do, or no memory to do it with.
  private boolean proceed(int slots) {
    if (log2Slots == 0) {
      return next();
    }
    if (copy == null) {
      return begin();
    }
    if (!copy.step(slots)) {
      finish(copy);
    }
    return true;
  }

  private boolean next() {
    Integer next = waiting.poll();
    if (next != null) {
      building = next;
      keepsSize = false;
      log2Slots = TableCopy.log2SlotsFor(names());
    }
    return next != null;
  }

  private int names() {
    return tables.get(building).live() + spilled.of(building);
  }

  private boolean begin() {
    boolean room = space.hasRoom(log2Slots);
    if (room) {
      copy = new TableCopy(tables.get(building), space.allocate(log2Slots), slabs::hash);
    }
    return room;
  }

  /// Nothing goes for a table that is to be smaller.
  private void prepare() {
    preparing = true;
    if (log2Slots >= tables.get(building).log2Slots()) {
      makeRoom.accept(TableSpace.segmentBytes(log2Slots));
    }
    space.prepare(log2Slots, this::prepared);
  }

  /// Without memory for a new table the old one stays. Names that it has no slot for spill, and the
  /// next one asks again.
  private void prepared() {
    preparing = false;
    if (!space.hasRoom(log2Slots)) {
      end();
    }
    schedule();
  }

  private void end() {
    log2Slots = 0;
    requested.clear(building);
  }

  private void finish(TableCopy done) {
    copy = null;
    Table old = done.from();
    Table table = done.to();
    List<Long> left = done.finish();
    if (!left.isEmpty() && table.log2Slots() < old.log2Slots()) {
      space.release(table);
      keepsSize = true;
      tables.keepSize(building, names() / 2);
      log2Slots = old.log2Slots();
      return;
    }
    left.forEach(this::spill);
    takeBack(table);
    tables.place(building, table);
    if (keepsSize) {
      tables.keepSize(building, names() / 2);
    }
    end();
    space.release(old);
    relieve(old.segment());
    followUp();
  }

  /// While memory was prepared more names may have come, or gone, than the new table was sized for,
  /// and nobody else may ever ask.
  private void followUp() {
    if (tables.isDue(building) && !requested.get(building)) {
      add(building);
    }
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
        if (tables.get(index).segment() == segment && !requested.get(index)) {
          add(index);
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
