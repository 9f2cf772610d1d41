package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What is left of sparse slabs is copied, and their memory goes back.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class CompactionTest {
  private static final int NAMES = 40_000;
  private static final int NBYTES = 800;

  @Test
  void sparseSlabsGoAndTheirBuffersAreTheSameElsewhere() throws Refusal {
    try (TestStore store = new TestStore();
        CatalogReader reader = new CatalogReader(store)) {
      put(store, 0, NAMES);
      List<String> left = deleteMost(store);
      Map<String, BufferRecord> before = records(reader, left);
      long slabs = store.statistics().slabs();
      reader.forgetAll();

      store.await(figures -> figures.slabs() <= slabs / 3 + 2);

      Map<String, BufferRecord> after = records(reader, left);
      assertThat(withoutOffsets(after)).isEqualTo(withoutOffsets(before));
      for (String name : left) {
        assertThat(reader.get(name)).hasValue(content(name));
      }
      assertThat(HeaderLayout.epoch(reader.header())).isGreaterThan(slabs / 2);
      assertThat(store.statistics().buffers()).isEqualTo(left.size());
    }
  }

  @Test
  void whoIsViewedIsNotCopiedOnAndOn() throws Refusal {
    try (TestStore store = new TestStore();
        CatalogReader viewer = new CatalogReader(store)) {
      put(store, 0, NAMES);
      records(viewer, names(0, NAMES));
      Statistics full = store.statistics();
      List<String> left = deleteMost(store);

      store.await(figures -> figures.held() > 0);
      // An eighth; on a busy machine some more may be on their way.
      long held = full.slabs() / 2;
      for (int i = 0; i < 100; i++) {
        store.put(TestStore.PRODUCER, "later-" + i, "x");
        assertThat(store.statistics().held()).isLessThanOrEqualTo(held);
        assertThat(store.statistics().used()).isLessThanOrEqualTo(full.used() + held * Slab.BYTES);
      }

      viewer.forgetAll();
      store.await(figures -> figures.slabs() <= full.slabs() / 3 + 2 && figures.held() == 0);
      for (String name : left) {
        assertThat(viewer.get(name)).hasValue(content(name));
      }
    }
  }

  @Test
  void withoutRoomNothingIsCopiedAndNothingIsLost() throws Refusal {
    long capacity = StoreConfig.CAPACITY_MIN + 24 * Slab.BYTES;
    try (TestStore store = new TestStore(capacity, TestStore.SEGMENTS_MAX);
        CatalogReader reader = new CatalogReader(store)) {
      put(store, 0, 2000);
      fill(store);
      for (String name : names(0, 2000)) {
        assertThat(reader.get(name)).hasValue(content(name));
      }
      List<String> left = deleteMost(store, 0, 2000);
      for (String name : left) {
        assertThat(reader.get(name)).hasValue(content(name));
      }
      assertThat(store.statistics().used()).isLessThanOrEqualTo(capacity);
    }
  }

  /// Takes all room with large buffers.
  private static void fill(TestStore store) throws Refusal {
    try {
      for (int i = 0; ; i++) {
        store.publish(TestStore.PRODUCER, "large-" + i, new byte[2 << 20]);
      }
    } catch (Refusal e) {
      assertThat(e).hasMessageStartingWith("no room below the capacity: ");
    }
  }

  private static void put(TestStore store, int from, int to) throws Refusal {
    store.on(each -> {
      for (String name : names(from, to)) {
        ByteBuffer payload = ByteBuffer.wrap(content(name));
        each.put(TestStore.PRODUCER, Optional.of(name), payload, Terms.PLAIN);
      }
      return each;
    });
  }

  private static List<String> deleteMost(TestStore store) throws Refusal {
    return deleteMost(store, 0, NAMES);
  }

  /// Four of five, in no order; returns the others.
  private static List<String> deleteMost(TestStore store, int from, int to) throws Refusal {
    Random random = new Random(7);
    Map<Boolean, List<String>> parts =
        names(from, to).stream().collect(Collectors.partitioningBy(_ -> random.nextInt(5) == 0));
    store.on(each -> {
      for (String name : parts.getOrDefault(false, List.of())) {
        each.delete(TestStore.PRODUCER, name);
      }
      return each;
    });
    return parts.getOrDefault(true, List.of());
  }

  private static Map<String, BufferRecord> records(CatalogReader reader, List<String> names)
      throws Refusal {
    Map<String, BufferRecord> records = new HashMap<>();
    for (String name : names) {
      records.put(name, reader.find(name).orElseThrow().record());
    }
    return records;
  }

  private static Map<String, BufferRecord> withoutOffsets(Map<String, BufferRecord> records) {
    Map<String, BufferRecord> same = new HashMap<>();
    records.forEach((name, record) -> same.put(name, withoutOffset(record)));
    return same;
  }

  private static BufferRecord withoutOffset(BufferRecord record) {
    return new BufferRecord(
        record.name(),
        record.buffer(),
        record.version(),
        record.segment(),
        0,
        record.nbytes(),
        record.created(),
        record.owner(),
        record.description(),
        record.expires());
  }

  private static List<String> names(int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> "compact/" + i).toList();
  }

  private static byte[] content(String name) {
    byte[] content = new byte[NBYTES];
    byte[] text = name.getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(text, 0, content, NBYTES - text.length, text.length);
    return content;
  }
}
