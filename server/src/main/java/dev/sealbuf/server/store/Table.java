package dev.sealbuf.server.store;

import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import java.lang.foreign.MemorySegment;

/// One table of the catalog, as its only writer sees it: 2^n words.
///
/// What readers rely on (`protocol/LAYOUT.md`), and where it is kept:
///
/// - A word is stored once, with release, after its record.
/// - A live name never moves, and no EMPTY lies between its home and its place: a name goes into
///   the first slot of its window that is not live ([#insert]), and a slot becomes EMPTY only if
///   the one behind it is EMPTY ([#tidy]).
///
/// A word that leads to a record is found again by its value: places are never used twice.
final class Table {
  private static final int NOWHERE = -1;

  /// Who is told of every word that is stored for a name, or taken away.
  @FunctionalInterface
  interface Changes {
    Changes IGNORED = (_, _) -> {};

    void changed(int hash, long word);
  }

  private final MemorySegment memory;
  private final long place;
  private final int log2Slots;
  private final int mask;
  private final long offset;
  private int live;
  private int gone;
  private Changes changes = Changes.IGNORED;

  /// @param memory the segment
  /// @param place the directory word
  Table(MemorySegment memory, long place) {
    this.memory = memory;
    this.place = place;
    this.log2Slots = DirectoryWord.log2Slots(place);
    this.mask = (1 << log2Slots) - 1;
    this.offset = DirectoryWord.offset(place);
  }

  static long bytes(int log2Slots) {
    return (long) Long.BYTES << log2Slots;
  }

  /// The directory word that leads to it.
  long place() {
    return place;
  }

  /// Number of the segment it lies in.
  long segment() {
    return DirectoryWord.segment(place);
  }

  int log2Slots() {
    return log2Slots;
  }

  int slots() {
    return mask + 1;
  }

  int live() {
    return live;
  }

  /// Slots that a search does not stop at.
  int used() {
    return live + gone;
  }

  long word(int slot) {
    return TableWord.load(memory, offset, slot & mask);
  }

  /// The word that leads to a name; EMPTY when there is none.
  long find(Name name, Slabs slabs) {
    int tag = NameHash.tag(name.hash());
    int home = home(name.hash());
    for (int step = 0; step < TableWord.WINDOW; step++) {
      long word = word(home + step);
      if (word == TableWord.EMPTY) {
        return TableWord.EMPTY;
      }
      if (TableWord.isLive(word) && TableWord.tag(word) == tag && slabs.isNamed(word, name)) {
        return word;
      }
    }
    return TableWord.EMPTY;
  }

  void onChange(Changes listener) {
    changes = listener;
  }

  /// Whether exactly this word is in the window of a hash.
  boolean contains(int hash, long word) {
    return slotOf(hash, word) != NOWHERE;
  }

  boolean hasRoom(int hash) {
    return freeSlot(hash) != NOWHERE;
  }

  /// Makes a name visible, whose record is complete. False when every slot of its window is live;
  /// nothing has changed then.
  boolean insert(int hash, long word) {
    int slot = freeSlot(hash);
    if (slot == NOWHERE) {
      return false;
    }
    if (word(slot) == TableWord.GONE) {
      gone--;
    }
    live++;
    store(slot, word);
    changes.changed(hash, word);
    return true;
  }

  /// Makes a name lead elsewhere, in one step. False when the old word is not here.
  boolean replace(int hash, long old, long word) {
    int slot = slotOf(hash, old);
    if (slot != NOWHERE) {
      store(slot, word);
      changes.changed(hash, old);
      changes.changed(hash, word);
    }
    return slot != NOWHERE;
  }

  /// Takes a name away. False when its word is not here.
  boolean remove(int hash, long word) {
    int slot = slotOf(hash, word);
    if (slot != NOWHERE) {
      store(slot, TableWord.GONE);
      live--;
      gone++;
      changes.changed(hash, word);
    }
    return slot != NOWHERE;
  }

  /// Frees the slots that no chain needs any more, from the window of a hash backwards. Not while a
  /// name of this table is spilled: a search for it must not meet EMPTY.
  void tidy(int hash) {
    int home = home(hash);
    for (int slot = home + TableWord.WINDOW - 1; slot >= home || isFreeable(slot); slot--) {
      if (isFreeable(slot)) {
        store(slot, TableWord.EMPTY);
        gone--;
      }
    }
  }

  private boolean isFreeable(int slot) {
    return word(slot) == TableWord.GONE && word(slot + 1) == TableWord.EMPTY;
  }

  private int freeSlot(int hash) {
    int home = home(hash);
    for (int step = 0; step < TableWord.WINDOW; step++) {
      if (!TableWord.isLive(word(home + step))) {
        return home + step;
      }
    }
    return NOWHERE;
  }

  private int slotOf(int hash, long word) {
    int home = home(hash);
    for (int step = 0; step < TableWord.WINDOW; step++) {
      long at = word(home + step);
      if (at == word) {
        return home + step;
      }
      if (at == TableWord.EMPTY) {
        return NOWHERE;
      }
    }
    return NOWHERE;
  }

  private void store(int slot, long word) {
    TableWord.store(memory, offset, slot & mask, word);
  }

  private int home(int hash) {
    return (int) NameHash.home(hash, log2Slots);
  }
}
