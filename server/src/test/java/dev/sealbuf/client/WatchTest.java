package dev.sealbuf.client;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.client.Event.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Every change of a watched name is told, in order, or it is told that some were not.
@Tag("daemon")
@Timeout(60)
@ExtendWith(Unprivileged.class)
class WatchTest {
  private static final Duration PATIENCE = DaemonProcess.PATIENCE;
  private static final Duration MOMENT = Duration.ofMillis(20);

  private Sealbuf store;

  @BeforeEach
  void connect() {
    store = DaemonProcess.shared().connect();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void publishedReplacedAndDeletedAreTold() {
    try (Watch watch = store.watch("watched/", false)) {
      BufferInfo first = store.put("watched/1", new byte[] {1, 2, 3});
      BufferInfo second = store.put("watched/1", new byte[2], PutOptions.NONE.replacing());
      store.put("another", new byte[1]);
      store.take("watched/1").close();
      assertThat(watch.next(PATIENCE))
          .hasValue(
              new Event(
                  Kind.SEALED,
                  "watched/1",
                  first.id(),
                  first.version(),
                  3,
                  first.owner(),
                  first.created()));
      assertThat(watch.next())
          .extracting(Event::kind, Event::version, Event::nbytes)
          .containsExactly(Kind.SEALED, second.version(), 2L);
      assertThat(watch.next())
          .extracting(Event::kind, Event::name, Event::version)
          .containsExactly(Kind.DELETED, "watched/1", second.version());
      assertThat(watch.next(MOMENT)).isEmpty();
    }
  }

  @Test
  void aReplayBeginsWithWhatIsThere() {
    Map<String, byte[]> there = new HashMap<>();
    for (int i = 0; i < 100; i++) {
      there.put("replayed/" + i, new byte[i]);
    }
    store.putMany(there);
    try (Watch watch = store.watch("replayed/", true)) {
      Set<String> told = new HashSet<>();
      while (told.size() < there.size()) {
        Event event = watch.next(PATIENCE).orElseThrow();
        assertThat(event.kind()).isEqualTo(Kind.SEALED);
        assertThat(there.get(event.name())).hasSize((int) event.nbytes());
        told.add(event.name());
      }
      store.delete("replayed/0");
      assertThat(watch.next(PATIENCE).map(Event::kind)).hasValue(Kind.DELETED);
    }
  }

  @Test
  void whoDoesNotReadLosesEventsAndIsTold() {
    try (Watch slow = store.watch("slow/", false)) {
      Map<String, byte[]> batch = new HashMap<>();
      for (int i = 0; i < 1000; i++) {
        batch.put("slow/" + "x".repeat(200) + i, new byte[1]);
      }
      for (int round = 0; round < 10; round++) {
        store.putMany(batch);
        store.delete(batch.keySet().toArray(String[]::new));
      }
      List<Event> events = new ArrayList<>();
      do {
        events.add(slow.next(PATIENCE).orElseThrow());
      } while (events.getLast().kind() != Kind.OVERFLOW);
      assertThat(events).hasSizeLessThan(20_000);
      assertThat(events.getLast().version()).isPositive();
      drain(slow);
      store.put("slow/after", new byte[1]);
      assertThat(slow.next(PATIENCE).map(Event::name)).hasValue("slow/after");
    }
  }

  private static void drain(Watch watch) {
    boolean more = true;
    while (more) {
      more = watch.next(Duration.ofMillis(500)).isPresent();
    }
  }

  @Test
  void closingEndsTheLoopOverEvents() throws Exception {
    try (Watch watch = store.watch("looped/", false)) {
      CountDownLatch first = new CountDownLatch(1);
      CompletableFuture<List<String>> names =
          CompletableFuture.supplyAsync(() -> {
            List<String> seen = new ArrayList<>();
            for (Event event : watch) {
              seen.add(event.name());
              first.countDown();
            }
            return seen;
          });
      store.put("looped/1", new byte[1]);
      assertThat(first.await(20, SECONDS)).isTrue();
      store.close();
      assertThat(names.get(20, SECONDS)).containsExactly("looped/1");
      assertThatThrownBy(watch::next)
          .isInstanceOf(ClosedException.class)
          .hasMessage("the watch is closed; do not use it after close");
    }
  }

  @Test
  void aClosedStoreWatchesNothing() {
    store.close();
    assertThatThrownBy(() -> store.watch("", false))
        .isInstanceOf(ClosedException.class)
        .hasMessage("the store is closed; do not use it after close");
  }
}
