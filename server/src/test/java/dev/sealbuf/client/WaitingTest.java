package dev.sealbuf.client;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Who waits is served as soon as it can be, and holds up nobody.
@Tag("daemon")
@Timeout(60)
@ExtendWith(Unprivileged.class)
class WaitingTest {
  private static final Duration LONG = Duration.ofSeconds(40);
  private static final Duration SHORT = Duration.ofMillis(50);
  private static final int LARGE = 1 << 20;
  private static final int THREADS = 8;

  private Sealbuf store;
  private ExecutorService threads;

  @BeforeEach
  void connect() {
    store = DaemonProcess.shared().connect();
    threads = Executors.newCachedThreadPool();
  }

  @AfterEach
  void close() {
    store.close();
    threads.close();
  }

  @Test
  void aWaitingGetHoldsUpNoOtherThreadAndReturnsWithThePut() throws Exception {
    for (int nbytes : new int[] {1000, LARGE}) {
      String name = "awaited/" + nbytes;
      Future<byte[]> awaited = threads.submit(() -> bytes(store.get(name, LONG)));
      awaitParked(1);
      store.ping();
      store.put(name, Content.of(name, nbytes));
      assertThat(awaited.get(20, SECONDS)).isEqualTo(Content.of(name, nbytes));
    }
  }

  @Test
  void whatIsThereIsNotWaitedFor() {
    store.put("there", new byte[] {1});
    assertThat(bytes(store.get("there", SHORT))).containsExactly(1);
    assertThat(bytes(store.getOrCreate("there", () -> new byte[] {2}))).containsExactly(1);
  }

  @Test
  void aWaitEndsAtItsTime() {
    List<Runnable> waits =
        List.of(
            () -> store.get("never", SHORT),
            () -> store.take("never", SHORT),
            () -> store.getNewer("never", 0, SHORT),
            () -> store.getMany(List.of("never"), SHORT));
    for (Runnable wait : waits) {
      assertThatThrownBy(wait::run)
          .isInstanceOf(TimeoutException.class)
          .hasMessageContaining("name=never");
    }
    assertThatThrownBy(() -> store.get("never", Duration.ZERO))
        .isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> store.take("never")).isInstanceOf(NotFoundException.class);
  }

  @Test
  void aNewerBufferIsWaitedFor() throws Exception {
    BufferInfo old = store.put("newer", new byte[] {1});
    assertThat(bytes(store.getNewer("newer", old.version() - 1))).containsExactly(1);
    assertThatThrownBy(() -> store.getNewer("newer", old.version()))
        .isInstanceOf(NotFoundException.class)
        .hasMessage(
            "no newer buffer: name=newer newer_than=%d;".formatted(old.version())
                + " check the name; list shows what there is");
    Future<byte[]> newer =
        threads.submit(() -> bytes(store.getNewer("newer", old.version(), LONG)));
    awaitParked(1);
    store.put("newer", new byte[] {2}, PutOptions.NONE.replacing());
    assertThat(newer.get(20, SECONDS)).containsExactly(2);
  }

  @Test
  void ofAllWhoTakeExactlyOneGetsIt() throws Exception {
    List<Future<byte[]>> takers = submit(THREADS, () -> bytes(store.take("taken", LONG)));
    awaitParked(THREADS);
    for (int i = 0; i < THREADS; i++) {
      store.put("taken", new byte[] {(byte) i});
    }
    List<Byte> taken = new ArrayList<>();
    for (Future<byte[]> taker : takers) {
      taken.add(taker.get(20, SECONDS)[0]);
    }
    assertThat(taken).containsExactlyInAnyOrder(bytes(0, 1, 2, 3, 4, 5, 6, 7));
    assertThat(store.contains("taken")).isFalse();
    store.put("taken", Content.of("taken", LARGE));
    assertThat(bytes(store.take("taken"))).isEqualTo(Content.of("taken", LARGE));
    assertThat(store.contains("taken")).isFalse();
  }

  @Test
  void ofAllWhoCreateExactlyOneDoes() throws Exception {
    for (int nbytes : new int[] {100, LARGE}) {
      AtomicInteger created = new AtomicInteger();
      List<Future<byte[]>> all =
          submit(
              THREADS,
              () ->
                  bytes(
                      store.getOrCreate(
                          "created/" + nbytes,
                          () -> {
                            created.incrementAndGet();
                            return Content.of("created", nbytes);
                          })));
      for (Future<byte[]> one : all) {
        assertThat(one.get(20, SECONDS)).isEqualTo(Content.of("created", nbytes));
      }
      assertThat(created).hasValue(1);
    }
  }

  @Test
  void whenTheOneWhoCreatesFailsTheNextOneDoes() {
    assertThatThrownBy(() ->
            store.getOrCreate(
                "failing",
                () -> {
                  throw new IllegalArgumentException("no data");
                }))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no data");
    try (SealedBuffer made =
        store.getOrCreate("failing", 3, bytes -> bytes.set(ValueLayout.JAVA_BYTE, 2, (byte) 9))) {
      assertThat(made.toByteArray()).containsExactly(0, 0, 9);
    }
    assertThat(bytes(store.get("failing"))).containsExactly(0, 0, 9);
  }

  @Test
  void manyAreGotTogetherOrNotAtAll() throws Exception {
    store.put("many/1", new byte[] {1});
    Future<Map<String, SealedBuffer>> all =
        threads.submit(() -> store.getMany(List.of("many/1", "many/2"), LONG));
    awaitParked(1);
    assertThatThrownBy(() -> store.getMany(List.of("many/1", "many/2")))
        .isInstanceOf(NotFoundException.class);
    store.put("many/2", new byte[] {2});
    Map<String, SealedBuffer> found = all.get(20, SECONDS);
    assertThat(found.keySet()).containsExactly("many/1", "many/2");
    assertThat(found.values().stream().map(WaitingTest::bytes))
        .containsExactly(new byte[] {1}, new byte[] {2});
  }

  @Test
  void closingTheStoreEndsEveryWait() throws Exception {
    List<Future<byte[]>> waits = submit(3, () -> bytes(store.get("closed", LONG)));
    awaitParked(3);
    store.close();
    for (Future<byte[]> wait : waits) {
      assertThatThrownBy(() -> wait.get(20, SECONDS)).hasCauseInstanceOf(ClosedException.class);
    }
    store = DaemonProcess.shared().connect();
    awaitParked(0);
  }

  /// Until so many requests of this test's store are parked: it is the only one that waits.
  private void awaitParked(long count) {
    while (store.stats().waiting() != count) { // the test's timeout is the deadline
      Thread.onSpinWait();
    }
  }

  private <T> List<Future<T>> submit(int count, Callable<T> call) {
    List<Future<T>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(threads.submit(call));
    }
    return all;
  }

  private static byte[] bytes(SealedBuffer buffer) {
    try (buffer) {
      return buffer.toByteArray();
    }
  }

  private static Byte[] bytes(int... values) {
    Byte[] bytes = new Byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }
}
