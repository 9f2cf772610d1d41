package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.server.History;
import dev.sealbuf.server.History.Verdict;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Readers of the shared memory that a daemon, another process, writes: what they get was true at
/// some moment of the get, while names are put, replaced and deleted so that tables grow and shrink
/// and slabs are compacted.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class ReplacedUnderReadersTest {
  private static final int NAMES = 20_000;
  private static final int BATCH = 500;
  private static final int ROUNDS = 16;
  private static final int READERS = 2;

  private final long seed = new Random().nextLong();
  private final History history = new History(NAMES);
  private final AtomicBoolean done = new AtomicBoolean();

  @Tag("shows-5")
  @Test
  void whatIsReadWasTrueWhileItWasRead() throws Exception {
    try (DaemonProcess daemon = DaemonProcess.start("--capacity", "1GiB");
        Sealbuf writer = daemon.connect();
        ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      List<Future<Map<Verdict, Long>>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        Random random = new Random(seed + i);
        readers.add(threads.submit(reading(daemon, random)));
      }
      Random random = new Random(seed - 1);
      for (int round = 0; round < ROUNDS; round++) {
        putMany(writer, random);
        putMany(writer, random);
        replaceSome(writer, random);
        deleteMost(writer, random, round % 4 == 3 ? NAMES : BATCH);
      }
      done.set(true);
      for (Future<Map<Verdict, Long>> reader : readers) {
        assertThat(reader.get()).as("seed=%d", seed).containsOnlyKeys(Verdict.TRUE);
      }
    }
  }

  private void putMany(Sealbuf writer, Random random) {
    Map<String, byte[]> batch = new LinkedHashMap<>();
    List<Integer> names = new ArrayList<>();
    while (names.size() < BATCH) {
      int name = random.nextInt(NAMES);
      if (!names.contains(name)) {
        names.add(name);
        batch.put(text(name), history.beginPut(name));
      }
    }
    writer.putMany(batch, PutOptions.NONE.replacing());
    names.forEach(name -> history.acknowledge(name, true));
  }

  private void replaceSome(Sealbuf writer, Random random) {
    for (int i = 0; i < BATCH / 2; i++) {
      int name = random.nextInt(NAMES);
      writer.put(text(name), history.beginPut(name), PutOptions.NONE.replacing());
      history.acknowledge(name, true);
    }
  }

  /// Three of four that are there, of the next so many names.
  private void deleteMost(Sealbuf writer, Random random, int count) {
    int first = random.nextInt(NAMES);
    List<Integer> present = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int name = (first + i) % NAMES;
      if (history.isPresent(name) && random.nextInt(4) > 0) {
        present.add(name);
      }
    }
    for (int from = 0; from < present.size(); from += BATCH) {
      List<Integer> part = present.subList(from, Math.min(from + BATCH, present.size()));
      part.forEach(history::beginDelete);
      writer.delete(part.stream().map(ReplacedUnderReadersTest::text).toArray(String[]::new));
      part.forEach(name -> history.acknowledge(name, false));
    }
  }

  private Callable<Map<Verdict, Long>> reading(DaemonProcess daemon, Random random) {
    return () -> {
      Map<Verdict, Long> verdicts = new EnumMap<>(Verdict.class);
      try (Sealbuf store = daemon.connect()) {
        while (!done.get()) {
          int name = random.nextInt(NAMES);
          History.Before before = history.before(name);
          Verdict verdict = history.judge(name, before, read(store, text(name)));
          verdicts.merge(verdict, 1L, Long::sum);
        }
      }
      return verdicts;
    };
  }

  private static Optional<byte[]> read(Sealbuf store, String name) {
    try (SealedBuffer buffer = store.get(name)) {
      return Optional.of(buffer.toByteArray());
    } catch (NotFoundException _) {
      return Optional.empty();
    }
  }

  private static String text(int name) {
    return "replaced/" + name;
  }
}
