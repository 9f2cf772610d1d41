package dev.sealbuf.bench;

import dev.sealbuf.client.BufferView;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealedBuffer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/// Reading a small buffer whose slab is mapped, beside a map from names to places in memory. The
/// names are 10 000 in random order; each time the slice is given away and its first byte read.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class GetBenchmark {
  /// So many are timed at once: a look at the clock takes longer than one.
  private static final int GETS = 100;

  private static final int NAMES = 10_000;
  private static final int BATCH = 1000;
  private static final int NBYTES = 64;
  private static final long SEED = 7;

  private record Place(MemorySegment memory, long offset, long nbytes) {}

  private final Map<String, Place> places = new ConcurrentHashMap<>();
  private String[] names;
  private int next;
  private Daemon daemon;
  private Sealbuf store;
  private BufferView view;

  @Setup
  public void publish() throws IOException {
    List<String> all = IntStream.range(0, NAMES).mapToObj(i -> "model/layer-" + i).toList();
    names = all.toArray(String[]::new);
    Collections.shuffle(Arrays.asList(names), new Random(SEED));
    remember(all);
    daemon = new Daemon();
    store = daemon.store();
    for (int from = 0; from < NAMES; from += BATCH) {
      Map<String, byte[]> some = new LinkedHashMap<>();
      all.subList(from, from + BATCH).forEach(name -> some.put(name, new byte[NBYTES]));
      store.putMany(some);
    }
    view = store.view(names[0]);
  }

  private void remember(List<String> all) {
    MemorySegment memory = Arena.ofAuto().allocate((long) NAMES * NBYTES);
    for (String name : all) {
      places.put(name, new Place(memory, (long) places.size() * NBYTES, NBYTES));
    }
  }

  @TearDown
  public void stop() throws IOException {
    view.close();
    daemon.close();
  }

  private String name() {
    next = next + 1 == NAMES ? 0 : next + 1;
    return names[next];
  }

  @Benchmark
  @OperationsPerInvocation(GETS)
  public void get(Blackhole blackhole) {
    for (int i = 0; i < GETS; i++) {
      try (SealedBuffer buffer = store.get(name())) {
        use(buffer.segment(), blackhole);
      }
    }
  }

  @Benchmark
  @OperationsPerInvocation(GETS)
  public void map(Blackhole blackhole) {
    for (int i = 0; i < GETS; i++) {
      Place place = Objects.requireNonNull(places.get(name()));
      use(place.memory.asSlice(place.offset, place.nbytes), blackhole);
    }
  }

  /// One name, read again and again.
  @Benchmark
  @OperationsPerInvocation(GETS)
  public void refresh(Blackhole blackhole) {
    for (int i = 0; i < GETS; i++) {
      view.refresh();
      use(view.segment(), blackhole);
    }
  }

  private static void use(MemorySegment bytes, Blackhole blackhole) {
    blackhole.consume(bytes);
    blackhole.consume(bytes.get(ValueLayout.JAVA_BYTE, 0));
  }
}
