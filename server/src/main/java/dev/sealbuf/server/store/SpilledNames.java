package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Names for which the catalog has no slot: all 32 of their window were live when they came. They
/// are found by asking the daemon only.
///
/// At half load that befalls one name in some 300 000, until its table is built anew; whoever
/// chooses names of one hash can force it. So it is limited per uid: this map is all that grows on
/// the heap with the number of small buffers.
final class SpilledNames {
  /// Of one uid. A megabyte or two of heap.
  static final int MAX_PER_UID = 4096;

  /// Where a spilled name leads to, and who published it.
  private record Spilled(long word, int uid) {}

  private final Map<Name, Spilled> names = new HashMap<>();
  private final Set<Long> words = new HashSet<>();
  private final Map<Integer, Integer> ofUid = new HashMap<>();
  private final int[] ofTable = new int[HeaderLayout.TABLES];

  int count() {
    return names.size();
  }

  /// How many names of a table are spilled.
  int of(int table) {
    return ofTable[table];
  }

  /// The word of a spilled name; EMPTY when there is none.
  long find(Name name) {
    if (ofTable[table(name)] == 0) {
      return TableWord.EMPTY;
    }
    @Nullable Spilled spilled = names.get(name);
    return spilled == null ? TableWord.EMPTY : spilled.word;
  }

  /// Whether a spilled name leads to this place.
  boolean contains(long word) {
    return words.contains(word);
  }

  /// Refuses a uid that has its share.
  void requireRoom(int uid) throws Refusal {
    int count = ofUid.getOrDefault(uid, 0);
    if (count >= MAX_PER_UID) {
      throw new Refusal(
          ErrorCode.STORE_FULL,
          "too many names of one uid share their hash: spilled=%d max=%d uid=%s"
              .formatted(count, MAX_PER_UID, Integer.toUnsignedString(uid)));
    }
  }

  void add(Name name, long word, int uid) {
    names.put(name, new Spilled(word, uid));
    words.add(word);
    ofUid.merge(uid, 1, Integer::sum);
    ofTable[table(name)]++;
  }

  void replace(Name name, long word) {
    Spilled old = names.get(name);
    if (old != null) {
      names.put(name, new Spilled(word, old.uid));
      words.remove(old.word);
      words.add(word);
    }
  }

  void remove(Name name) {
    Spilled gone = names.remove(name);
    if (gone != null) {
      words.remove(gone.word);
      ofUid.computeIfPresent(gone.uid, (_, count) -> count == 1 ? null : count - 1);
      ofTable[table(name)]--;
    }
  }

  /// The spilled names of a table.
  List<Name> namesOf(int table) {
    return ofTable[table] == 0
        ? List.of()
        : names.keySet().stream().filter(name -> table(name) == table).toList();
  }

  private static int table(Name name) {
    return NameHash.table(name.hash());
  }
}
