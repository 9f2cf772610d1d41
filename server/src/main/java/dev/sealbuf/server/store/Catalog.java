package dev.sealbuf.server.store;

import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import java.util.concurrent.Executor;
import java.util.function.LongConsumer;

/// The writer of the catalog: name -> place of its record, one aligned word a name, read by every
/// process without asking.
///
/// The daemon keeps no other index. A name is looked up here as a reader would do it: from its
/// home, at most WINDOW words, comparing names in the records themselves; so nothing on the heap
/// grows with the number of buffers, but for the names that found no slot ([SpilledNames]).
///
/// **A table that fills up, or empties, is built anew** in fresh memory ([Rebuilds]). Then its
/// directory word is stored, and the old table is left as it is.
final class Catalog implements AutoCloseable {
  private final Slabs slabs;
  private final Tables tables;
  private final Rebuilds rebuilds;
  private final SpilledNames spilled = new SpilledNames();

  /// Makes the first tables and lets readers in.
  ///
  /// @param turns runs a task in a later turn of the loop
  Catalog(CatalogHeader header, Slabs slabs, TableSpace space, Executor turns, Clock clock) {
    this.slabs = slabs;
    tables = new Tables(header, space);
    rebuilds = new Rebuilds(tables, space, spilled, slabs, turns, clock);
  }

  /// Who makes room in the account for so many bytes of larger tables, if that is wanted.
  void whenShort(LongConsumer makeRoom) {
    rebuilds.whenShort(makeRoom);
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
    return tables.of(hash);
  }

  private void review(int hash) {
    int index = NameHash.table(hash);
    if (tables.isDue(index)) {
      rebuilds.request(index);
    }
  }

  /// Builds no table any more.
  @Override
  public void close() {
    rebuilds.close();
  }
}
