package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LongMapTest {
  private static final long SEED = 7;

  @Test
  void itIsWhatAMapOfObjectsIs() {
    SplittableRandom random = new SplittableRandom(SEED);
    LongMap map = new LongMap();
    Map<Long, Long> model = new HashMap<>();
    for (int i = 0; i < 200_000; i++) {
      long key = 1 + random.nextLong(i < 100_000 ? 5_000 : 300);
      if (random.nextBoolean()) {
        map.put(key, i + 1L);
        model.put(key, i + 1L);
      } else {
        map.remove(key);
        model.remove(key);
      }
      long asked = 1 + random.nextLong(5_000);
      assertThat(map.get(asked)).isEqualTo(model.getOrDefault(asked, 0L));
      assertThat(map.size()).isEqualTo(model.size());
    }
    assertThat(entries(map)).isEqualTo(model);
  }

  @Test
  void itShrinksWhenItIsEmptied() {
    LongMap map = new LongMap();
    for (long key = 1; key <= 100_000; key++) {
      map.put(key, 1);
    }
    assertThat(map.slots()).isEqualTo(1 << 18);
    for (long key = 1; key <= 100_000; key++) {
      map.remove(key);
    }
    assertThat(map.slots()).isEqualTo(8);
  }

  @Test
  void keysAndValuesArePositive() {
    assertThatThrownBy(() -> new LongMap().put(0, 1))
        .hasMessage("keys and values are positive: key=0 value=1");
    assertThatThrownBy(() -> new LongMap().put(1, 0))
        .hasMessage("keys and values are positive: key=1 value=0");
  }

  private static Map<Long, Long> entries(LongMap map) {
    Map<Long, Long> entries = new HashMap<>();
    for (int slot = 0; slot < map.slots(); slot++) {
      if (map.key(slot) != 0) {
        entries.put(map.key(slot), map.value(slot));
      }
    }
    return entries;
  }
}
