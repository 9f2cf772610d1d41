package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.LeakCheck;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tables grow in time, however little of the loop's time there is for them, and in a full store.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class RebuildsTest {
  private static final int TABLE = 7;

  /// The 897th name makes a table of 2048 slots crowded.
  private static final int CROWD = 897;

  /// More than a table of 2048 slots and the spilled names of one uid together.
  private static final List<String> NAMES = NamesOfTable.of(TABLE, 8000);

  private static final int LOG2_SLOTS_NEXT = TableSpace.LOG2_SLOTS_MIN + 1;

  private static void put(Parts parts, List<String> names) throws Refusal {
    for (String name : names) {
      parts.put(name, 0);
    }
  }

  @Test
  void whoPutsDoesTheWorkThatNoTurnIsLeftFor() throws Refusal {
    try (Parts parts = new Parts()) {
      put(parts, NAMES.subList(0, CROWD));
      parts.loop.await(() -> parts.memory.tables().hasRoom(LOG2_SLOTS_NEXT));

      put(parts, NAMES.subList(CROWD, NAMES.size()));

      assertThat(parts.catalog.spilled()).isZero();
      assertThat(parts.names(NAMES)).isEqualTo(NAMES);
    }
  }

  /// Its size is that of the moment when it was asked for; its memory came later.
  @Test
  void aTableThatGotMoreNamesThanItWasMadeForIsBuiltAgain() throws Refusal {
    List<String> names = NAMES.subList(0, 5000);
    try (Parts parts = new Parts()) {
      put(parts, names);
      assertThat(parts.catalog.spilled()).isPositive();
      parts.loop.await(() -> parts.catalog.spilled() == 0);
      assertThat(parts.names(NAMES)).isEqualTo(names);
    }
  }

  /// Names come and go, hardly ever with a turn in between.
  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void noNameIsLostWhoeverDidTheWork(long seed) throws Refusal {
    Random random = new Random(seed);
    Set<String> live = new TreeSet<>();
    try (Parts parts = new Parts()) {
      for (int i = 0; i < 30_000; i++) {
        int most = i / 10_000 % 2 == 0 ? NAMES.size() : NAMES.size() / 100;
        String name = NAMES.get(random.nextInt(NAMES.size()));
        if (live.remove(name)) {
          parts.delete(name);
        } else if (live.size() < most) {
          parts.put(name, 0);
          live.add(name);
        }
        if (random.nextInt(500) == 0) {
          parts.loop.turn();
        }
      }
      assertThat(parts.names(NAMES)).isEqualTo(NAMES.stream().filter(live::contains).toList());
      assertThat(parts.published.count()).isEqualTo(live.size());
    }
  }

  @Test
  void aFullStoreThatEvictsMakesRoomForTables() throws Refusal {
    long capacity = StoreConfig.CAPACITY_MIN + 3 * (2L << 20);
    NamespacePolicy policy =
        new NamespacePolicy(NamespacePolicy.Eviction.OLDEST, OptionalLong.empty());
    try (TestStore store = new TestStore(capacity, TestStore.SEGMENTS_MAX, policy)) {
      for (int i = 0; store.statistics().evicted() == 0; i++) {
        store.put(TestStore.PRODUCER, "large" + i, new byte[250_000]);
      }
      for (String name : NAMES) {
        store.put(TestStore.PRODUCER, name, new byte[0]);
      }
      store.await(figures -> figures.spilled() == 0);
      assertThat(store.statistics().used()).isLessThanOrEqualTo(capacity);
    }
  }
}
