package dev.sealbuf.server.store;

import dev.sealbuf.protocol.TableWord;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongToIntFunction;

/// Builds a table anew: all live names of one table into an empty one of another size, a few slots
/// at a time, while the old one goes on being written.
///
/// **Nothing spills by growing.** Names are taken in the order of their slots, from behind an EMPTY
/// slot on. Think of each name at the same distance from its home as it was: no two would collide
/// (their old slots differ), and each is inserted before everything that lies behind it, so the
/// first free slot from its home on is there or before. In a smaller table names that had different
/// homes may share one, and some may find no slot. So may, seldom, a name that came meanwhile.
///
/// **What changes meanwhile** is noted, word by word, and looked at again in the end: a word is
/// live in the old table or it is not, whatever the copy saw of it. Words are never used twice, so
/// that is all there is to know.
final class TableCopy implements Table.Changes {
  /// Names that are live take at most a quarter of a new table.
  private static final int SLOTS_PER_NAME = 4;

  /// A word, and the hash of the name that it leads to: its slab may be gone by the time it counts.
  private record Hashed(int hash, long word) {
    boolean isIn(Table table) {
      return table.contains(hash, word);
    }
  }

  private final Table from;
  private final Table to;
  private final LongToIntFunction hashOf;
  private final List<Hashed> changed = new ArrayList<>();
  private final Set<Hashed> left = new LinkedHashSet<>();
  private final int first;
  private int copied;

  /// @param hashOf the hash of the name that a live word leads to
  TableCopy(Table from, Table to, LongToIntFunction hashOf) {
    this.from = from;
    this.to = to;
    this.hashOf = hashOf;
    this.first = behindAnEmptySlot(from);
    from.onChange(this);
  }

  /// The size of a table for so many names.
  static int log2SlotsFor(int names) {
    int log2Slots = TableSpace.LOG2_SLOTS_MIN;
    while ((long) names * SLOTS_PER_NAME > 1L << log2Slots) {
      log2Slots++;
    }
    return log2Slots;
  }

  Table from() {
    return from;
  }

  Table to() {
    return to;
  }

  /// Copies the live words of the next slots. False when there are none left.
  boolean step(int slots) {
    int end = Math.min(from.slots(), copied + slots);
    for (; copied < end; copied++) {
      long word = from.word(first + copied);
      if (TableWord.isLive(word)) {
        insert(new Hashed(hashOf.applyAsInt(word), word));
      }
    }
    return copied < from.slots();
  }

  @Override
  public void changed(int hash, long word) {
    changed.add(new Hashed(hash, word));
  }

  /// Makes up for what has changed since the copy began. Returns the live words that found no slot.
  List<Long> finish() {
    from.onChange(Table.Changes.IGNORED);
    for (Hashed each : changed) {
      if (!each.isIn(from)) {
        to.remove(each.hash, each.word);
      }
    }
    for (Hashed each : changed) {
      if (each.isIn(from) && !each.isIn(to) && !left.contains(each)) {
        insert(each);
      }
    }
    return left.stream().filter(each -> each.isIn(from)).map(Hashed::word).toList();
  }

  private void insert(Hashed each) {
    if (!to.insert(each.hash, each.word)) {
      left.add(each);
    }
  }

  /// Where no chain goes through; anywhere, if every slot is or was used.
  private static int behindAnEmptySlot(Table table) {
    for (int slot = 0; slot < table.slots(); slot++) {
      if (table.word(slot) == TableWord.EMPTY) {
        return slot + 1;
      }
    }
    return 0;
  }
}
