package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Invariant: whoever reads the catalog while names come and go finds a name whose publication was
/// acknowledged before the read began, with its own bytes, and does not find one whose deletion
/// was.
@ExtendWith(LeakCheck.class)
class ManyNamesTest {
  private static final int NAMES = 100_000;
  private static final int BATCH = 100;
  private static final int ABSENT = 0;
  private static final int PUBLISHING = 1;
  private static final int PUBLISHED = 2;
  private static final int DELETING = 3;

  /// How far each name is; a read whose name did not move while it ran must agree with it.
  private final AtomicIntegerArray states = new AtomicIntegerArray(NAMES);

  private final AtomicBoolean done = new AtomicBoolean();

  @Test
  @Timeout(120)
  void areNeitherLostNorTornNorStale() throws Refusal, ExecutionException, InterruptedException {
    long seed = new Random().nextLong();
    try (TestStore store = new TestStore();
        ExecutorService readers = Executors.newFixedThreadPool(2)) {
      List<Future<Long>> reads = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        Random random = new Random(seed + i);
        reads.add(readers.submit(reading(store, random)));
      }
      long used = store.statistics().used();

      publish(store, shuffled(seed));
      delete(store, shuffled(seed + 1).subList(0, NAMES / 2));
      publish(store, shuffled(seed + 2));
      assertThat(store.statistics().buffers()).isEqualTo(NAMES);
      delete(store, shuffled(seed + 3));

      done.set(true);
      for (Future<Long> read : reads) {
        assertThat(read.get()).as("seed=%d", seed).isPositive();
      }
      Statistics now = store.statistics();
      assertThat(now.buffers()).isZero();
      assertThat(now.bufferBytes()).isZero();
      store.awaitUsed(used);
    }
  }

  private void publish(TestStore store, List<Integer> names) throws Refusal {
    inBatches(
        store,
        names,
        (each, name) -> {
          if (states.compareAndSet(name, ABSENT, PUBLISHING)) {
            each.put(
                TestStore.PRODUCER,
                Optional.of(text(name)),
                ByteBuffer.wrap(payload(name)),
                Terms.PLAIN);
            states.set(name, PUBLISHED);
          }
        });
  }

  private void delete(TestStore store, List<Integer> names) throws Refusal {
    inBatches(
        store,
        names,
        (each, name) -> {
          states.set(name, DELETING);
          each.delete(TestStore.PRODUCER, text(name));
          states.set(name, ABSENT);
        });
  }

  private interface Step {
    void take(Store store, int name) throws Refusal;
  }

  private static void inBatches(TestStore store, List<Integer> names, Step step) throws Refusal {
    for (int from = 0; from < names.size(); from += BATCH) {
      List<Integer> batch = names.subList(from, Math.min(from + BATCH, names.size()));
      store.on(each -> {
        for (int name : batch) {
          step.take(each, name);
        }
        return each;
      });
    }
  }

  private Callable<Long> reading(TestStore store, Random random) {
    return () -> {
      long certain = 0;
      try (CatalogReader reader = new CatalogReader(store)) {
        while (!done.get()) {
          int name = random.nextInt(NAMES);
          int before = states.get(name);
          Optional<CatalogReader.Found> found = reader.find(text(name));
          found.ifPresent(present -> assertThat(present.payload()).isEqualTo(payload(name)));
          if (states.get(name) == before && (before == ABSENT || before == PUBLISHED)) {
            assertThat(found.isPresent()).as(text(name)).isEqualTo(before == PUBLISHED);
            certain++;
          }
        }
      }
      return certain;
    };
  }

  private static List<Integer> shuffled(long seed) {
    List<Integer> names = new ArrayList<>();
    for (int name = 0; name < NAMES; name++) {
      names.add(name);
    }
    Collections.shuffle(names, new Random(seed));
    return names;
  }

  private static String text(int name) {
    return "many/" + name;
  }

  /// Its own for each name, of different lengths.
  private static byte[] payload(int name) {
    return ("payload of " + name).repeat(1 + name % 7).getBytes(StandardCharsets.US_ASCII);
  }
}
