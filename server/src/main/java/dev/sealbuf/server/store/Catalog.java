package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import java.util.List;
import java.util.concurrent.Executor;

/// The writer of the catalog: name -> place of its record, one aligned word a name, read by every
/// process without asking.
///
/// The daemon keeps no other index. A name is looked up here as a reader would do it: from its
/// home, at most WINDOW words, comparing names in the records themselves; so nothing on the heap
/// grows with the number of buffers, but for the names that found no slot ([SpilledNames]).
///
/// **A table that fills up, or empties, is built anew** ([TableCopy]) in fresh memory
/// ([TableSpace]). Then its directory word is stored, and the old table is left as it is: it equals
/// the truth until that moment, so whoever loaded the directory word before reads nothing that was
/// not true after it began. That takes 4 ms for 40 000 names, so it is not done on behalf of a
/// request but in a turn of its own, one table a turn ([Rebuilds]); if a window fills up meanwhile,
/// the name is spilled, and comes back with the new table.
final class Catalog implements AutoCloseable {
  /// A table is crowded when 7 of 16 slots are used: the turns until it is built anew leave it
  /// below half, where a search takes 1.5 loads.
  private static final int CROWDED_SIXTEENTHS = 7;

  /// A table shrinks when less than this part of it is live: a new one has twice that at least.
  private static final int SPARSE = 16;

  private final CatalogHeader header;
  private final Slabs slabs;
  private final TableSpace space;
  private final Rebuilds rebuilds;
  private final SpilledNames spilled = new SpilledNames();
  private final Table[] tables = new Table[HeaderLayout.TABLES];

  /// With fewer live names than this a table shrinks.
  private final int[] shrinkBelow = new int[HeaderLayout.TABLES];

  /// Makes the first tables and lets readers in.
  ///
  /// @param turns runs a task in a later turn of the loop
  Catalog(CatalogHeader header, Slabs slabs, TableSpace space, Executor turns) throws Refusal {
    this.header = header;
    this.slabs = slabs;
    this.space = space;
    this.rebuilds = new Rebuilds(turns, this::rebuild);
    for (int index = 0; index < HeaderLayout.TABLES; index++) {
      place(index, space.allocate(TableSpace.LOG2_SLOTS_MIN));
    }
    header.publish();
  }

  /// Names that only the daemon knows.
  int spilled() {
    return spilled.count();
  }

  /// The word that leads to a name; EMPTY when it is not live.
  long find(Name name) {
    long word = table(name.hash()).find(name, slabs);
    return word == TableWord.EMPTY ? spilled.find(name) : word;
  }

  /// Whether a record's own name leads to this record: whether it is live.
  boolean leadsTo(Place place) {
    int hash = slabs.hash(place);
    long word = word(hash, place);
    return table(hash).contains(hash, word) || spilled.contains(word);
  }

  /// Refuses a name for which there is no slot, of a uid that may not spill any more.
  void requireRoom(Name name, int uid) throws Refusal {
    if (!table(name.hash()).hasRoom(name.hash())) {
      spilled.requireRoom(uid);
    }
  }

  /// Makes a name visible that is not live. Its record is complete.
  void insert(Name name, int uid, Place place) {
    int hash = name.hash();
    long word = word(hash, place);
    if (!table(hash).insert(hash, word)) {
      spilled.add(name, word, uid);
    }
    review(hash);
  }

  /// Makes a live name lead elsewhere, in one step. The new record is complete.
  void replace(Name name, long old, Place place) {
    long word = word(name.hash(), place);
    if (!table(name.hash()).replace(name.hash(), old, word)) {
      spilled.replace(name, word);
    }
  }

  /// The name of a live record leads to its copy from now on.
  void move(Place from, Place to) {
    int hash = slabs.hash(from);
    long old = word(hash, from);
    if (!table(hash).replace(hash, old, word(hash, to))) {
      spilled.replace(Name.of(slabs.record(old)), word(hash, to));
    }
  }

  /// Takes a live name away.
  void remove(Name name, long word) {
    int hash = name.hash();
    if (!table(hash).remove(hash, word)) {
      spilled.remove(name);
    }
    if (spilled.of(NameHash.table(hash)) == 0) {
      table(hash).tidy(hash);
    }
    review(hash);
  }

  private static long word(int hash, Place place) {
    return TableWord.pack(NameHash.tag(hash), place.slab(), place.offset());
  }

  private Table table(int hash) {
    return tables[NameHash.table(hash)];
  }

  private void review(int hash) {
    int index = NameHash.table(hash);
    Table table = tables[index];
    boolean crowded = table.used() > table.slots() / 16 * CROWDED_SIXTEENTHS;
    if (crowded || table.live() < shrinkBelow[index]) {
      rebuilds.request(index);
    }
  }

  /// Without memory for a new table the old one stays. Names that it has no slot for spill, and the
  /// next one asks again.
  private void rebuild(int index) {
    try {
      Table old = tables[index];
      int names = old.live() + spilled.of(index);
      int log2Slots = TableCopy.log2SlotsFor(names);
      if (!rebuild(index, log2Slots)) {
        rebuild(index, old.log2Slots());
        shrinkBelow[index] = names / 2;
      }
      relieve(old.segment());
    } catch (Refusal _) {
      // As said.
    }
  }

  /// False when a smaller table would not hold all that this one does; nothing has changed then.
  private boolean rebuild(int index, int log2Slots) throws Refusal {
    Table old = tables[index];
    Table table = space.allocate(log2Slots);
    List<Long> left = TableCopy.copy(old, table, slabs);
    if (!left.isEmpty() && log2Slots < old.log2Slots()) {
      space.release(table);
      return false;
    }
    left.forEach(this::spill);
    for (Name name : spilled.namesOf(index)) {
      if (table.insert(name.hash(), spilled.find(name))) {
        spilled.remove(name);
      }
    }
    place(index, table);
    space.release(old);
    return true;
  }

  private void spill(long word) {
    BufferRecord record = slabs.record(word);
    spilled.add(Name.of(record), word, (int) record.owner());
  }

  private void place(int index, Table table) {
    tables[index] = table;
    boolean smallest = table.log2Slots() == TableSpace.LOG2_SLOTS_MIN;
    shrinkBelow[index] = smallest ? 0 : table.slots() / SPARSE;
    header.place(index, table.place());
  }

  /// Moves the last tables out of a segment that is kept for few.
  private void relieve(long segment) {
    if (space.isSparse(segment)) {
      for (int index = 0; index < HeaderLayout.TABLES; index++) {
        if (tables[index].segment() == segment) {
          rebuilds.request(index);
        }
      }
    }
  }

  /// Builds no table any more.
  @Override
  public void close() {
    rebuilds.close();
  }
}
