package dev.sealbuf.server.store;

import dev.sealbuf.protocol.TableWord;
import java.util.ArrayList;
import java.util.List;

/// Builds a table anew: all live names of one table into an empty one of another size.
///
/// **Nothing spills by growing.** Names are taken in the order of their slots, from behind an EMPTY
/// slot on. Think of each name at the same distance from its home as it was: no two would collide
/// (their old slots differ), and each is inserted before everything that lies behind it, so the
/// first free slot from its home on is there or before. In a smaller table names that had different
/// homes may share one, and some may find no slot.
final class TableCopy {
  /// Names that are live take at most a quarter of a new table.
  private static final int SLOTS_PER_NAME = 4;

  private TableCopy() {}

  /// The size of a table for so many names.
  static int log2SlotsFor(int names) {
    int log2Slots = TableSpace.LOG2_SLOTS_MIN;
    while ((long) names * SLOTS_PER_NAME > 1L << log2Slots) {
      log2Slots++;
    }
    return log2Slots;
  }

  /// Copies every live word, and returns those that found no slot.
  static List<Long> copy(Table from, Table to, Slabs slabs) {
    List<Long> left = new ArrayList<>();
    int first = behindAnEmptySlot(from);
    for (int i = 0; i < from.slots(); i++) {
      long word = from.word(first + i);
      if (TableWord.isLive(word) && !to.insert(slabs.hash(word), word)) {
        left.add(word);
      }
    }
    return left;
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
