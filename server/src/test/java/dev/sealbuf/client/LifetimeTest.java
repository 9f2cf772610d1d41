package dev.sealbuf.client;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// How long a buffer lives, and who waits for the room of others.
@Tag("daemon")
@Timeout(60)
@ExtendWith(Unprivileged.class)
class LifetimeTest {
  private static final Duration LONG = Duration.ofSeconds(40);
  private static final Duration SHORT = Duration.ofMillis(50);

  @Test
  void aBufferGoesWhenItsTimeIsOver() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = daemon.connect()) {
      PutOptions brief = PutOptions.NONE.withTtl(Duration.ofMillis(100));
      store.put("brief/small", new byte[1], brief);
      store.putMany(Map.of("brief/1", new byte[300_000], "brief/2", new byte[1]), brief);
      store.put("brief/long", new byte[1], PutOptions.NONE.withTtl(Duration.ofDays(36_500)));
      while (store.list("brief/").size() > 1) { // the test's timeout is the deadline
        Thread.onSpinWait();
      }
      assertThat(store.contains("brief/long")).isTrue();
    }
  }

  @Test
  void aTimeToLiveIsBounded() {
    for (Duration ttl : List.of(Duration.ZERO, Duration.ofDays(36_501))) {
      assertThatThrownBy(() -> PutOptions.NONE.withTtl(ttl))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessage(
              "a time to live is 1 ms to 100 years: ttl=%s max=PT876000H; mend the call"
                  .formatted(ttl));
    }
  }

  @Test
  void aFullStoreIsWaitedFor() throws Exception {
    try (DaemonProcess daemon = DaemonProcess.start("--capacity", "64MiB");
        Sealbuf full = daemon.connect();
        ExecutorService threads = Executors.newCachedThreadPool()) {
      byte[] half = Content.of("room", 32 << 20);
      full.put("first", half);
      PutOptions waiting = PutOptions.NONE.withTimeout(LONG);
      assertThatThrownBy(() -> full.put("second", half)).isInstanceOf(StoreFullException.class);
      assertThatThrownBy(() -> full.put("second", half, waiting.withTimeout(SHORT)))
          .isInstanceOf(StoreFullException.class);
      Future<BufferInfo> second = threads.submit(() -> full.put("second", half, waiting));
      while (full.stats().waiting() == 0) {
        Thread.onSpinWait();
      }
      full.delete("first");
      assertThat(second.get(30, SECONDS).name()).isEqualTo("second");
    }
  }
}
