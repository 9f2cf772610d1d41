package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Invariant: when a copy is finished, the new table and what found no slot are the old table, no
/// matter what was stored and taken away between its steps.
class TableCopyTest {
  private static final int STEP = 16;

  private final Map<Long, Integer> hashes = new HashMap<>();
  private final List<Long> live = new ArrayList<>();
  private long places;

  @ParameterizedTest(name = "2^{0} to 2^{1} slots, {2} names, seed {3}")
  @CsvSource({
    "11, 13, 900, 1",
    "11, 13, 0, 2",
    "11, 12, 1500, 3",
    "12, 11, 200, 4",
    "12, 11, 1900, 5",
    "11, 11, 800, 6",
    "13, 15, 3600, 7"
  })
  void whatChangesDuringACopyIsInItInTheEnd(int before, int after, int names, long seed) {
    Random random = new Random(seed);
    try (Arena arena = Arena.ofConfined()) {
      Table from = table(arena, before);
      Table to = table(arena, after);
      for (int i = 0; i < names; i++) {
        insert(from, random);
      }
      TableCopy copy = new TableCopy(from, to, this::hash);
      int changes = 0;
      while (copy.step(STEP)) {
        change(from, random);
        changes++;
      }
      change(from, random);
      Set<Long> copied = new TreeSet<>(copy.finish());
      for (int slot = 0; slot < to.slots(); slot++) {
        if (TableWord.isLive(to.word(slot))) {
          assertThat(copied.add(to.word(slot))).as("a word is there once").isTrue();
        }
      }
      assertThat(changes).isGreaterThan(100);
      assertThat(copied).isEqualTo(new TreeSet<>(live));
      assertThat(live).allMatch(word -> hashes.containsKey(word));
      assertThat(to.live()).isLessThanOrEqualTo(live.size());
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @CsvSource({"1", "2", "3"})
  void withoutChangesNothingSpillsByGrowing(long seed) {
    Random random = new Random(seed);
    try (Arena arena = Arena.ofConfined()) {
      Table from = table(arena, 11);
      for (int i = 0; i < 1900; i++) {
        insert(from, random);
      }
      TableCopy copy = new TableCopy(from, table(arena, 11), this::hash);
      assertThat(copy.step(from.slots())).isFalse();
      assertThat(copy.finish()).isEmpty();
    }
  }

  private void change(Table table, Random random) {
    switch (random.nextInt(4)) {
      case 0, 1 -> insert(table, random);
      case 2 -> remove(table, random);
      case 3 -> replace(table, random);
      default -> throw new AssertionError("four cases");
    }
  }

  private void insert(Table table, Random random) {
    long word = word(random.nextInt());
    if (table.insert(hash(word), word)) {
      live.add(word);
    }
  }

  private void remove(Table table, Random random) {
    if (!live.isEmpty()) {
      long word = live.remove(random.nextInt(live.size()));
      assertThat(table.remove(hash(word), word)).isTrue();
      table.tidy(hash(word));
    }
  }

  private void replace(Table table, Random random) {
    if (!live.isEmpty()) {
      int at = random.nextInt(live.size());
      long old = live.get(at);
      long word = word(hash(old));
      assertThat(table.replace(hash(old), old, word)).isTrue();
      live.set(at, word);
    }
  }

  private int hash(long word) {
    return Objects.requireNonNull(hashes.get(word), () -> "word=" + word);
  }

  /// A word of a place that was never used.
  private long word(int hash) {
    places++;
    long word = TableWord.pack(NameHash.tag(hash), 1 + places / 1000, places % 1000 * 64);
    hashes.put(word, hash);
    return word;
  }

  private static Table table(Arena arena, int log2Slots) {
    return new Table(
        arena.allocate(Table.bytes(log2Slots), Long.BYTES), DirectoryWord.pack(log2Slots, 0, 1));
  }
}
