package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.ListingPayload;
import dev.sealbuf.testing.LeakCheck;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Invariant: whatever is put, replaced and deleted in whatever order, a reader finds what a
/// [HashMap] says, the words of the catalog are what LAYOUT.md says, and the figures add up.
///
/// Most names belong to one table, so that it grows and shrinks; some share one hash, so that they
/// spill; the sizes are such that slabs fill, empty, and are compacted.
@ExtendWith(LeakCheck.class)
class StoreModelTest {
  private static final int TABLE = 42;
  private static final int ROUNDS = 80;
  private static final int OPERATIONS = 250;
  private static final byte[] NOTHING = {};
  private static final Terms REPLACE = new Terms(true, OptionalLong.empty(), OptionalLong.empty());

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final List<String> names = names();
  private final Map<String, byte[]> model = new HashMap<>();

  private static List<String> names() {
    List<String> names = new ArrayList<>(NamesOfTable.of(TABLE, 6000));
    names.addAll(Collisions.names(100));
    return names;
  }

  @Test
  @Timeout(120)
  void aStoreIsAMapWhateverHappensToIt() throws Exception {
    try (TestStore store = new TestStore();
        CatalogReader reader = new CatalogReader(store)) {
      Statistics before = store.statistics();
      for (int round = 0; round < ROUNDS; round++) {
        boolean growing = round % 40 < 20;
        store.on(each -> {
          for (int i = 0; i < OPERATIONS; i++) {
            step(each, growing);
          }
          return each;
        });
        if (round % 10 == 3) {
          publishBatch(store);
        }
        compareSome(reader);
        if (round % 8 == 7) {
          compareAll(store, reader);
        }
      }
      empty(store, reader, before);
    } catch (AssertionError e) {
      throw new AssertionError("seed=" + seed, e);
    }
  }

  private void step(Store store, boolean growing) throws Refusal {
    int kind = random.nextInt(100);
    if (kind < (growing ? 15 : 75)) {
      delete(store, name());
    } else if (kind < 80) {
      put(store, name(), Terms.PLAIN);
    } else if (kind < 95) {
      put(store, name(), REPLACE);
    } else {
      putMany(store);
    }
  }

  private void put(Store store, String name, Terms terms) throws Refusal {
    byte[] payload = payload();
    try {
      store.put(TestStore.PRODUCER, Optional.of(name), ByteBuffer.wrap(payload), terms);
      assertThat(terms.replace() || !model.containsKey(name)).as(name).isTrue();
      model.put(name, payload);
    } catch (Refusal e) {
      assertThat(e.code()).isEqualTo(ErrorCode.ALREADY_EXISTS);
      assertThat(model).as(name).containsKey(name);
      assertThat(terms.replace()).isFalse();
    }
  }

  private void delete(Store store, String name) throws Refusal {
    try {
      store.delete(TestStore.PRODUCER, name);
      assertThat(model.remove(name)).as(name).isNotNull();
    } catch (Refusal e) {
      assertThat(e.code()).isEqualTo(ErrorCode.NOT_FOUND);
      assertThat(model).as(name).doesNotContainKey(name);
    }
  }

  private void putMany(Store store) throws Refusal {
    Map<String, byte[]> batch = batch();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    List<BatchIndex.Entry> index = new ArrayList<>();
    batch.forEach((name, payload) -> {
      index.add(new BatchIndex.Entry(name, bytes.size(), payload.length));
      bytes.writeBytes(payload);
    });
    boolean fresh = batch.keySet().stream().noneMatch(model::containsKey);
    try {
      ByteBuffer payload = ByteBuffer.wrap(bytes.toByteArray());
      store.putMany(TestStore.PRODUCER, index, payload, Terms.PLAIN);
      assertThat(fresh).isTrue();
      model.putAll(batch);
    } catch (Refusal e) {
      assertThat(e.code()).isEqualTo(ErrorCode.ALREADY_EXISTS);
      assertThat(fresh).isFalse();
    }
  }

  /// Several names in one dedicated segment, some of which replace.
  private void publishBatch(TestStore store) throws Refusal {
    Map<String, byte[]> batch = batch();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    List<BatchIndex.Entry> index = new ArrayList<>();
    batch.forEach((name, payload) -> {
      index.add(new BatchIndex.Entry(name, bytes.size(), payload.length));
      bytes.writeBytes(payload);
      bytes.writeBytes(new byte[-bytes.size() & 63]);
    });
    store.publishMany(TestStore.PRODUCER, index, bytes.toByteArray(), REPLACE);
    model.putAll(batch);
  }

  private Map<String, byte[]> batch() {
    Map<String, byte[]> batch = new HashMap<>();
    for (int i = random.nextInt(1, 20); i > 0; i--) {
      batch.put(name(), payload());
    }
    return batch;
  }

  private void compareSome(CatalogReader reader) throws Refusal {
    for (int i = 0; i < 200; i++) {
      compare(reader, name());
    }
  }

  private void compare(CatalogReader reader, String name) throws Refusal {
    byte[] expected = model.get(name);
    Optional<byte[]> found = reader.get(name);
    assertThat(found.isPresent()).as(name).isEqualTo(expected != null);
    assertThat(found.orElse(NOTHING)).as(name).isEqualTo(expected == null ? NOTHING : expected);
  }

  private void compareAll(TestStore store, CatalogReader reader) throws Exception {
    for (String name : names) {
      compare(reader, name);
    }
    store.on(each -> {
      compareWords(each);
      assertThat(listed(each)).isEqualTo(model.keySet());
      return each;
    });
    Statistics now = store.statistics();
    assertThat(now.buffers()).isEqualTo(model.size());
    assertThat(now.bufferBytes())
        .isEqualTo(model.values().stream().mapToLong(bytes -> bytes.length).sum());
  }

  private void compareWords(Store store) throws Exception {
    try (CatalogScan scan = CatalogScan.of(store)) {
      assertThat(model.keySet()).containsAll(scan.records().keySet());
      for (String name : model.keySet()) {
        if (!scan.records().containsKey(name)) {
          assertThat(scan.isInconclusive(name)).as("spilled: " + name).isTrue();
        }
      }
    }
  }

  private static Set<String> listed(Store store) throws Exception {
    Set<String> listed = new HashSet<>();
    OptionalLong until = OptionalLong.empty();
    long cursor = 0;
    do {
      Page page = store.list("", 1000, cursor, until);
      for (ListingPayload.Entry entry : ListingPayload.read(page.json())) {
        assertThat(listed.add(entry.name())).as("listed once: " + entry.name()).isTrue();
      }
      cursor = page.cursor();
      until = OptionalLong.of(page.until());
    } while (cursor != 0);
    return listed;
  }

  /// Whatever was there goes: what is left is the catalog, one slab, and nothing that is held.
  private void empty(TestStore store, CatalogReader reader, Statistics before) throws Refusal {
    store.on(each -> {
      for (String name : List.copyOf(model.keySet())) {
        delete(each, name);
      }
      return each;
    });
    Statistics now = store.statistics();
    assertThat(now.buffers()).isZero();
    assertThat(now.bufferBytes()).isZero();
    assertThat(now.dedicated()).isZero();
    reader.forgetRetired();
    // Tables of the smallest size have gone into segments of 2 MiB meanwhile; each is current
    // there.
    long more = 3 * (2L << 20);
    store.await(each -> each.slabs() == 1 && each.used() <= before.used() + more);
  }

  private String name() {
    return names.get(random.nextInt(names.size()));
  }

  private byte[] payload() {
    byte[] payload = new byte[random.nextInt(100) == 0 ? 100_000 : random.nextInt(3000)];
    random.nextBytes(payload);
    return payload;
  }
}
