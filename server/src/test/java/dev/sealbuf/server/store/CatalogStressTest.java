package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.server.History;
import dev.sealbuf.server.History.Verdict;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Invariant: while names are put, replaced and deleted, tables grow and shrink and slabs are
/// compacted, whoever reads the catalog gets what was true at some moment of the read: nothing is
/// lost, nothing is older than what was acknowledged before, nothing is torn.
///
/// The negative control reads as everybody does, but does not look at the directory again.
@ExtendWith(LeakCheck.class)
@Timeout(120)
class CatalogStressTest {
  private static final int TABLE = 77;
  private static final int NAMES = 8000;
  private static final int PHASES = 10;
  private static final int STEPS_PER_TURN = 50;
  private static final int READERS = 2;
  private static final Terms REPLACE =
      new Terms(true, Terms.PLAIN.ttlMillis(), Terms.PLAIN.reservation());

  private final long seed = new Random().nextLong();
  private final List<String> names = names();
  private final History history = new History(NAMES);
  private final AtomicBoolean done = new AtomicBoolean();

  /// Half of them in one table.
  private static List<String> names() {
    List<String> names = new ArrayList<>(NamesOfTable.of(TABLE, NAMES / 2));
    IntStream.range(0, NAMES / 2).forEach(i -> names.add("anywhere/" + i));
    return names;
  }

  @Test
  void whatIsReadWasTrueWhileItWasRead() throws Exception {
    try (TestStore store = new TestStore();
        ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      List<Future<Map<Verdict, Long>>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        Random random = new Random(seed + i);
        readers.add(threads.submit(reading(store, random)));
      }

      long epoch = write(store);

      done.set(true);
      for (Future<Map<Verdict, Long>> reader : readers) {
        Map<Verdict, Long> verdicts = reader.get();
        assertThat(verdicts).as("seed=%d", seed).containsOnlyKeys(Verdict.TRUE);
        assertThat(verdicts.getOrDefault(Verdict.TRUE, 0L)).isGreaterThan(1000);
      }
      assertThat(epoch).as("segments were retired under the readers").isGreaterThan(20);
    }
  }

  @Test
  void whoDoesNotLookAtTheDirectoryReadsWhatIsOutdated() throws Exception {
    try (TestStore store = new TestStore();
        CatalogReader control = new CatalogReader(store, false);
        CatalogReader reader = new CatalogReader(store)) {
      int before = 800;
      for (int name = 0; name < before; name++) {
        put(store, name);
        control.find(names.get(name));
      }
      int log2Slots = DirectoryWord.log2Slots(reader.place(TABLE));
      for (int name = before; name < 2 * before; name++) {
        put(store, name);
      }
      store.await(_ -> DirectoryWord.log2Slots(reader.place(TABLE)) > log2Slots);
      for (int name = 0; name < before; name++) {
        put(store, name);
      }

      Map<Verdict, Long> outdated = new EnumMap<>(Verdict.class);
      Map<Verdict, Long> right = new EnumMap<>(Verdict.class);
      for (int name = 0; name < before; name++) {
        outdated.merge(read(control, name), 1L, Long::sum);
        right.merge(read(reader, name), 1L, Long::sum);
      }
      assertThat(outdated.getOrDefault(Verdict.OUTDATED, 0L)).isGreaterThan(before * 95L / 100);
      assertThat(right).containsExactly(Map.entry(Verdict.TRUE, (long) before));
    }
  }

  /// Grows and shrinks by turns. Returns how many segments were retired meanwhile.
  private long write(TestStore store) throws Refusal {
    Random random = new Random(seed - 1);
    for (int phase = 0; phase < PHASES; phase++) {
      int deletions = phase % 2 == 0 ? 5 : 70;
      for (int turn = 0; turn < 3 * NAMES / STEPS_PER_TURN; turn++) {
        store.on(each -> {
          for (int i = 0; i < STEPS_PER_TURN; i++) {
            step(each, random.nextInt(NAMES), random.nextInt(100) < deletions);
          }
          return each;
        });
      }
    }
    try (CatalogReader reader = new CatalogReader(store)) {
      return HeaderLayout.epoch(reader.header());
    }
  }

  private void step(Store store, int name, boolean delete) throws Refusal {
    if (!delete) {
      put(store, name);
    } else if (history.isPresent(name)) {
      history.beginDelete(name);
      store.delete(TestStore.PRODUCER, names.get(name));
      history.acknowledge(name, false);
    }
  }

  private void put(TestStore store, int name) throws Refusal {
    store.on(each -> {
      put(each, name);
      return each;
    });
  }

  private void put(Store store, int name) throws Refusal {
    ByteBuffer content = ByteBuffer.wrap(history.beginPut(name));
    store.put(TestStore.PRODUCER, Optional.of(names.get(name)), content, REPLACE);
    history.acknowledge(name, true);
  }

  private Callable<Map<Verdict, Long>> reading(TestStore store, Random random) {
    return () -> {
      Map<Verdict, Long> verdicts = new EnumMap<>(Verdict.class);
      try (CatalogReader reader = new CatalogReader(store)) {
        while (!done.get()) {
          verdicts.merge(read(reader, random.nextInt(NAMES)), 1L, Long::sum);
        }
      }
      return verdicts;
    };
  }

  private Verdict read(CatalogReader reader, int name) throws Refusal {
    History.Before before = history.before(name);
    Optional<byte[]> found = reader.find(names.get(name)).map(CatalogReader.Found::payload);
    return history.judge(name, before, found);
  }
}
