package dev.sealbuf.client;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// The daemon dies, stops, or says nothing.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class DaemonEndTest {
  private static final int LARGE = 1 << 20;

  /// Time for a daemon to answer, and to wait in vain for one that does not come.
  private static final Duration SOON = Duration.ofSeconds(3);

  @Test
  void viewsOutliveADaemonThatWasKilled() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = daemon.connect()) {
      store.put("small", new byte[] {7});
      store.put("large", Content.of("large", LARGE));
      SealedBuffer small = store.get("small");
      try (SealedBuffer large = store.get("large")) {
        daemon.kill();
        assertThat(small.segment().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
        assertThat(large.toByteArray()).isEqualTo(Content.of("large", LARGE));
      }
    }
  }

  @Test
  void aDeadDaemonsCatalogNeverAnswers() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = Sealbuf.connect(daemon.socket(), SOON)) {
      store.put("small", new byte[] {7});
      store.get("small").close();
      daemon.kill();
      assertThatThrownBy(() -> store.get("small"))
          .isInstanceOf(NoDaemonException.class)
          .hasMessage(
              "nobody listens: socket=%s errno=ECONNREFUSED;".formatted(daemon.socket())
                  + " start a daemon with sealbuf serve, or name its socket");
      assertThatThrownBy(() -> store.contains("other")).isInstanceOf(NoDaemonException.class);
      assertThatThrownBy(store::ping).isInstanceOf(NoDaemonException.class);
      assertThatThrownBy(() -> store.put("other", new byte[1]))
          .isInstanceOf(NoDaemonException.class);
    }
  }

  @Test
  void norDoesThatOfOneThatStopped() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = Sealbuf.connect(daemon.socket(), SOON)) {
      store.put("small", new byte[] {7});
      daemon.stop();
      assertThatThrownBy(() -> store.get("small")).isInstanceOf(NoDaemonException.class);
    }
  }

  @Test
  void aSilentDaemonIsATimeoutAndItsLateReplyIsNobodyElses() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = Sealbuf.connect(daemon.socket(), DaemonProcess.PATIENCE);
        Sealbuf hasty = Sealbuf.connect(daemon.socket(), SOON)) {
      hasty.put("before", new byte[] {1});
      hasty.get("before").close();
      daemon.pause();
      assertThatThrownBy(() -> hasty.create("late", LARGE))
          .isInstanceOf(TimeoutException.class)
          .hasMessage(
              "the daemon did not answer in time;"
                  + " raise the timeout, look whether the daemon is alive");
      assertThat(hasty.contains("before")).as("the catalog needs no daemon").isTrue();
      daemon.resume();
      assertThat(hasty.put("after", new byte[] {2}).name()).isEqualTo("after");
      do { // a worker prepares the late loan; the test's timeout is its deadline
        hasty.ping();
      } while (store.stats().unfinished() > 0);
      store.put("late", new byte[] {3});
    }
  }

  @Test
  void closingTheStoreEndsACallThatWaits() throws Exception {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      CompletableFuture<Duration> ping;
      try (Sealbuf store = daemon.connect()) {
        daemon.pause();
        CountDownLatch started = new CountDownLatch(1);
        ping =
            CompletableFuture.supplyAsync(() -> {
              started.countDown();
              return store.ping();
            });
        assertThat(started.await(10, SECONDS)).isTrue();
      }
      assertThatThrownBy(() -> ping.get(10, SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(ClosedException.class);
      daemon.resume();
    }
  }

  @Test
  void anUnfinishedBufferOfADeadDaemonIsClosedQuietly() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = daemon.connect()) {
      try (BufferWriter writer = store.create("unfinished", LARGE)) {
        daemon.kill();
        writer.segment().fill((byte) 1);
        assertThatThrownBy(writer::seal).isInstanceOf(DisconnectedException.class);
      }
    }
  }

  @Test
  void whereNobodyListensThereIsNoDaemon() {
    Path socket = Path.of("/tmp/sealbuf-no-such-socket");
    assertThatThrownBy(() -> Sealbuf.connect(socket))
        .isInstanceOf(NoDaemonException.class)
        .hasMessage(
            "nobody listens: socket="
                + socket
                + " errno=ENOENT; start a daemon with sealbuf serve, or name its socket");
  }

  @Test
  void aSocketLeftByADeadDaemonIsNoDaemon() {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      daemon.kill();
      assertThatThrownBy(() -> Sealbuf.connect(daemon.socket()))
          .isInstanceOf(NoDaemonException.class)
          .hasMessageContaining("errno=ECONNREFUSED");
    }
  }

  @Test
  void aSocketThatMayNotBeOpenedIsNotPermitted() throws IOException {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      Files.setPosixFilePermissions(daemon.socket(), Set.of());
      assertThatThrownBy(() -> Sealbuf.connect(daemon.socket()))
          .isInstanceOf(NotPermittedException.class)
          .hasMessage(
              "this uid may not open the socket: socket=%s;".formatted(daemon.socket())
                  + " ask the owner of the buffer or of the daemon");
    }
  }
}
