package dev.sealbuf.client;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A store goes on with the next daemon; what was the old one's is never answered by it.
@Tag("daemon")
@Timeout(120)
@ExtendWith(Unprivileged.class)
class RestartTest {
  private static final int LARGE = 1 << 20;
  private static final int READERS = 8;

  @Tag("shows-40")
  @Test
  void callsGoOnWithTheNextDaemonAndOpenBuffersStayReadable() {
    try (DaemonProcess first = DaemonProcess.start();
        Sealbuf store = first.connect()) {
      store.put("small", new byte[] {7});
      store.put("large", Content.of("large", LARGE));
      try (SealedBuffer small = store.get("small");
          SealedBuffer large = store.get("large");
          BufferWriter writer = store.create("unfinished", LARGE)) {
        first.kill();
        try (DaemonProcess _ = DaemonProcess.startAt(first.socket())) {
          assertThatThrownBy(() -> store.get("small"))
              .isInstanceOf(NotFoundException.class)
              .hasMessage("no such buffer: name=small; check the name; list shows what there is");
          assertThat(store.contains("large")).isFalse();
          assertThat(store.list("")).isEmpty();
          store.put("small", new byte[] {8});
          assertThat(bytesOf(store, "small")).containsExactly(8);
          assertThat(small.segment().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
          assertThat(large.toByteArray()).isEqualTo(Content.of("large", LARGE));
          assertThatThrownBy(writer::seal)
              .isInstanceOf(DisconnectedException.class)
              .isNotInstanceOf(NoDaemonException.class);
          assertThat(store.contains("unfinished")).isFalse();
        }
      }
    }
  }

  @Test
  void aCallWaitsForTheNextDaemon() throws Exception {
    try (DaemonProcess first = DaemonProcess.start();
        Sealbuf store = first.connect();
        ExecutorService threads = Executors.newCachedThreadPool()) {
      store.put("name", new byte[] {1});
      first.stop();
      Future<BufferInfo> put = threads.submit(() -> store.put("name", new byte[] {2}));
      Future<SealedBuffer> awaited =
          threads.submit(() -> store.get("later", Duration.ofSeconds(60)));
      try (DaemonProcess _ = DaemonProcess.startAt(first.socket())) {
        assertThat(put.get(20, SECONDS).version()).isEqualTo(1);
        store.put("later", new byte[] {3});
        try (SealedBuffer later = awaited.get(20, SECONDS)) {
          assertThat(later.toByteArray()).containsExactly(3);
        }
      }
    }
  }

  @Test
  void aPutThatTheOldDaemonDidNotAnswerIsMadeAgainForTheNewOne() throws Exception {
    try (DaemonProcess first = DaemonProcess.start();
        Sealbuf store = first.connect();
        ExecutorService threads = Executors.newCachedThreadPool()) {
      store.ping();
      first.pause();
      CountDownLatch begun = new CountDownLatch(1);
      Future<BufferInfo> put =
          threads.submit(() -> {
            begun.countDown();
            return store.put("in doubt", new byte[] {1});
          });
      assertThat(begun.await(10, SECONDS)).isTrue();
      first.kill();
      try (DaemonProcess _ = DaemonProcess.startAt(first.socket())) {
        assertThat(put.get(20, SECONDS).name()).isEqualTo("in doubt");
        assertThat(bytesOf(store, "in doubt")).containsExactly(1);
      }
    }
  }

  @Test
  void closingEndsTheWaitingForADaemon() throws Exception {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      Sealbuf store = daemon.connect();
      daemon.kill();
      CompletableFuture<Duration> ping = CompletableFuture.supplyAsync(store::ping);
      store.close();
      assertThatThrownBy(() -> ping.get(10, SECONDS)).hasCauseInstanceOf(ClosedException.class);
    }
  }

  @Test
  void aWatchGoesOnWithTheNextDaemonAndSaysThatEventsWereLost() {
    try (DaemonProcess first = DaemonProcess.start();
        Sealbuf store = first.connect();
        Watch watch = store.watch("", true)) {
      store.put("old", new byte[1]);
      assertThat(watch.next().name()).isEqualTo("old");
      first.kill();
      assertThat(watch.next(Duration.ofMillis(1))).as("nobody is there yet").isEmpty();
      try (DaemonProcess _ = DaemonProcess.startAt(first.socket())) {
        assertThat(watch.next(DaemonProcess.PATIENCE)).hasValue(Event.overflow());
        store.put("new", new byte[1]);
        assertThat(watch.next(DaemonProcess.PATIENCE).map(Event::name)).hasValue("new");
      }
    }
  }

  /// The content of a name is the generation of the daemon that has it.
  @Tag("shows-40")
  @Test
  void eightReadersNeverSeeTheOldDaemonsContentInTheNewOne() throws Exception {
    AtomicInteger generation = new AtomicInteger(1);
    AtomicInteger done = new AtomicInteger();
    try (ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      DaemonProcess daemon = DaemonProcess.start();
      List<Future<?>> readers = new ArrayList<>();
      try (Sealbuf store = daemon.connect()) {
        store.put("generation", new byte[] {1});
        for (int i = 0; i < READERS; i++) {
          Sealbuf reader = daemon.connect();
          readers.add(threads.submit(() -> read(reader, generation, done)));
        }
        awaitAll(readers, done);
        for (int next = 2; next <= 3; next++) {
          daemon.kill();
          daemon = DaemonProcess.startAt(daemon.socket());
          generation.set(next);
          done.set(0);
          store.put("generation", new byte[] {(byte) next});
          awaitAll(readers, done);
        }
        generation.set(0);
        for (Future<?> reader : readers) {
          reader.get(30, SECONDS);
        }
      } finally {
        daemon.close();
      }
    }
  }

  /// Until every reader has seen the content of now; the test's timeout is the deadline.
  private static void awaitAll(List<Future<?>> readers, AtomicInteger done) {
    while (done.get() < READERS) {
      Thread.onSpinWait();
      readers.forEach(RestartTest::rethrow);
    }
  }

  private static void rethrow(Future<?> reader) {
    if (reader.state() == Future.State.FAILED) {
      throw new AssertionError(reader.exceptionNow());
    }
  }

  /// Reads until generation 0; counts itself when it has seen another generation than before.
  private static void read(Sealbuf store, AtomicInteger generation, AtomicInteger done) {
    List<SealedBuffer> kept = new ArrayList<>();
    int seen = 0;
    try (store) {
      for (int now = generation.get(); now != 0; now = generation.get()) {
        Optional<SealedBuffer> buffer = find(store);
        if (buffer.isPresent()) {
          int content = buffer.get().toByteArray()[0];
          assertThat(content).isGreaterThanOrEqualTo(now);
          if (content != seen) {
            seen = content;
            kept.add(buffer.get());
            done.incrementAndGet();
          } else {
            buffer.get().close();
          }
        }
      }
      for (int i = 0; i < kept.size(); i++) {
        assertThat(kept.get(i).toByteArray()).containsExactly(i + 1);
      }
    }
  }

  private static Optional<SealedBuffer> find(Sealbuf store) {
    try {
      return Optional.of(store.get("generation"));
    } catch (NotFoundException _) {
      return Optional.empty();
    }
  }

  private static byte[] bytesOf(Sealbuf store, String name) {
    try (SealedBuffer buffer = store.get(name)) {
      return buffer.toByteArray();
    }
  }
}
