package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.server.watch.Watch;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/// A store on a loop of its own, with the steps that tests are made of.
final class TestStore implements AutoCloseable {
  static final int DAEMON = 20_001;
  static final Peer PRODUCER = new Peer(1, 20_002);
  static final Peer READER = new Peer(2, 20_003);

  /// Room for everything that a test does not want to be refused.
  static final long CAPACITY = 1L << 30;

  static final int SEGMENTS_MAX = 1000;

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final Duration PAUSE = Duration.ofMillis(2);

  private final ScheduledExecutorService loop =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("sealbuf-test-loop").factory());
  private final Watch watch;
  private final Store store;

  TestStore() {
    this(CAPACITY, SEGMENTS_MAX);
  }

  TestStore(long capacity, int segmentsMax) {
    this(capacity, segmentsMax, NamespacePolicy.DEFAULT);
  }

  TestStore(long capacity, int segmentsMax, NamespacePolicy policy) {
    this(capacity, segmentsMax, policy, Clock.system());
  }

  TestStore(long capacity, int segmentsMax, NamespacePolicy policy, Clock clock) {
    this(capacity, segmentsMax, policy, Quota.Limits.NONE, clock);
  }

  TestStore(Quota.Limits quota) {
    this(CAPACITY, SEGMENTS_MAX, NamespacePolicy.DEFAULT, quota, Clock.system());
  }

  TestStore(long capacity, Quota.Limits quota, NamespacePolicy.Eviction eviction) {
    this(
        capacity,
        SEGMENTS_MAX,
        new NamespacePolicy(eviction, OptionalLong.empty()),
        quota,
        Clock.system());
  }

  private TestStore(
      long capacity, int segmentsMax, NamespacePolicy policy, Quota.Limits quota, Clock clock) {
    this(capacity, segmentsMax, Runtime.getRuntime().maxMemory(), policy, quota, clock);
  }

  /// One that may remember as much as so small a heap holds.
  static TestStore ofHeap(long bytes) {
    return new TestStore(
        CAPACITY, SEGMENTS_MAX, bytes, NamespacePolicy.DEFAULT, Quota.Limits.NONE, Clock.system());
  }

  private TestStore(
      long capacity,
      int segmentsMax,
      long heapBytes,
      NamespacePolicy policy,
      Quota.Limits quota,
      Clock clock) {
    StoreConfig config =
        new StoreConfig(
            capacity,
            capacity,
            segmentsMax,
            heapBytes,
            DAEMON,
            "0.0.0-test",
            policy,
            quota,
            Headroom.unlimited(),
            clock,
            new SplittableRandom(7));
    try {
      watch = Watch.start(loop);
      store = loop.submit(() -> Store.open(config, loop, watch)).get();
    } catch (IOException | InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /// Something to ask the store, on its loop.
  @FunctionalInterface
  interface Question<T> {
    T ask(Store store) throws Exception;
  }

  <T> T on(Question<T> question) throws Refusal {
    Callable<T> task = () -> question.ask(store);
    return await(loop.submit(task)::get);
  }

  /// The same, for what comes later.
  <T> T later(Question<CompletionStage<T>> question) throws Refusal {
    CompletionStage<T> stage = on(question);
    return await(stage.toCompletableFuture()::get);
  }

  private static <T> T await(Callable<T> answer) throws Refusal {
    try {
      return answer.call();
    } catch (ExecutionException | CompletionException e) {
      if (e.getCause() instanceof Refusal refusal) {
        throw refusal;
      }
      throw new AssertionError(e);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /// Begins a session: who has none is not waited for.
  void begin(Peer peer) throws Refusal {
    close(on(store -> store.beginSession(peer, "test")).descriptors());
  }

  Publication put(Peer peer, String name, byte[] payload) throws Refusal {
    return on(store -> store.put(peer, Optional.of(name), ByteBuffer.wrap(payload), Terms.PLAIN));
  }

  Publication put(Peer peer, String name, String payload) throws Refusal {
    return put(peer, name, payload.getBytes(StandardCharsets.UTF_8));
  }

  Loan create(Peer peer, String name, long nbytes) throws Refusal {
    return later(store -> store.create(peer, Optional.of(name), nbytes, Terms.PLAIN));
  }

  Publication seal(Peer peer, Loan loan) throws Refusal {
    return later(store -> store.seal(peer, loan.buffer(), OptionalLong.empty()));
  }

  Publication seal(Peer peer, Loan loan, long nbytes) throws Refusal {
    return later(store -> store.seal(peer, loan.buffer(), OptionalLong.of(nbytes)));
  }

  /// Creates, writes as a client would, and seals.
  Publication publish(Peer peer, String name, byte[] payload) throws Refusal {
    Loan loan = create(peer, name, payload.length);
    write(loan, payload);
    return seal(peer, loan);
  }

  /// The same for a batch.
  BatchPublication publishMany(Peer peer, List<BatchIndex.Entry> index, byte[] bytes, Terms terms)
      throws Refusal {
    Loan loan = later(store -> store.createBatch(peer, bytes.length, terms));
    write(loan, bytes);
    return later(store -> store.sealMany(peer, loan.buffer(), index));
  }

  /// Writes through a mapping that is gone afterwards, as are the descriptors.
  static void write(Loan loan, byte[] payload) {
    try (Mapping mapping = Mapping.readWrite(loan.descriptors().getFirst(), loan.segmentBytes())) {
      MemorySegment.copy(payload, 0, mapping.segment(), ValueLayout.JAVA_BYTE, 0, payload.length);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    close(loan.descriptors());
  }

  static void close(List<Fd> descriptors) {
    descriptors.forEach(Fd::close);
  }

  /// Of this process.
  static long openDescriptors() {
    return Objects.requireNonNull(new File("/proc/self/fd").list()).length;
  }

  Location openBuffer(Peer peer, String name, OptionalLong slab) throws Refusal {
    OptionalLong none = OptionalLong.empty();
    return later(store -> store.openBuffer(peer, name, slab, none, none));
  }

  void abort(Peer peer, long buffer) throws Refusal {
    on(store -> {
      store.abort(peer, buffer);
      return store;
    });
  }

  Deletion delete(Peer peer, String name) throws Refusal {
    return on(store -> store.delete(peer, name));
  }

  void endSession(Peer peer) throws Refusal {
    on(store -> {
      store.endSession(peer.session());
      return store;
    });
  }

  Statistics statistics() throws Refusal {
    return statistics(PRODUCER);
  }

  /// With what is this peer's.
  Statistics statistics(Peer peer) throws Refusal {
    return on(each -> each.statistics(peer.uid()));
  }

  /// Waits until the account has come to this: the end of held memory comes in its own time.
  void awaitUsed(long bytes) throws Refusal {
    await(figures -> figures.used() == bytes);
    assertThat(statistics().used()).isEqualTo(bytes);
  }

  /// Waits until the figures are like this.
  void await(Predicate<Statistics> condition) throws Refusal {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.test(statistics()) && System.nanoTime() < deadline) {
      LockSupport.parkNanos(PAUSE.toNanos());
    }
    assertThat(statistics()).matches(condition);
  }

  /// Does nothing when this is closed already.
  @Override
  public void close() {
    if (loop.isShutdown()) {
      return;
    }
    try {
      loop.submit(store::close).get();
      loop.submit(watch::close).get();
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    } finally {
      loop.close();
    }
  }
}
