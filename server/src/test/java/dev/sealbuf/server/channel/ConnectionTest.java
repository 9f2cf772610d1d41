package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.TestClient;
import dev.sealbuf.server.TestDaemon;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A daemon in this process, and clients that behave well or badly.
@Tag("daemon")
@ExtendWith(LeakCheck.class)
final class ConnectionTest {
  private TestDaemon daemon;

  @BeforeEach
  void start() {
    daemon = new TestDaemon();
  }

  @AfterEach
  void stop() {
    daemon.close();
  }

  @Test
  void helloIsAnsweredWithTheCatalog() {
    try (TestClient client = daemon.connect()) {
      assertThat(client.hello())
          .isInstanceOfSatisfying(
              Reply.Welcome.class,
              welcome -> {
                assertThat(welcome.server()).isEqualTo("0.0.0-test");
                assertThat(welcome.daemon()).matches("[0-9a-f]{16}");
                assertThat(welcome.namespace()).isEqualTo("default");
              });
      assertThat(client.descriptors()).hasSize(1);
    }
  }

  @Test
  void helloComesFirstAndOnce() {
    try (TestClient client = daemon.connect()) {
      assertThat(client.ask(new Request.Ping(3))).isEqualTo(outOfOrder(3, "CONNECTED"));
      assertThat(client.hello()).isInstanceOf(Reply.Welcome.class);
      assertThat(client.hello()).isEqualTo(outOfOrder(1, "OPEN"));
      assertThat(client.ask(new Request.Ping(4))).isEqualTo(new Reply.Pong(4));
    }
  }

  @Test
  void anUnknownNamespaceEndsTheConnection() {
    try (TestClient client = daemon.connect()) {
      assertThat(client.ask(new Request.Hello(1, "secret", "test")))
          .isEqualTo(
              new Reply.Failure(
                  1,
                  "not_permitted",
                  "no such namespace, or not open to this uid: namespace=secret uid="
                      + PeerCredentials.ownUid()));
      assertThat(client.receiveOrEnd()).isEmpty();
    }
  }

  @Test
  void everyRequestHasItsReply() {
    try (TestClient client = daemon.open()) {
      ByteBuffer payload = ByteBuffer.wrap(new byte[] {1, 2, 3});
      assertThat(client.ask(new Request.Put(2, Optional.of("a"), payload)))
          .isInstanceOf(Reply.Published.class);
      Reply.Lent lent = (Reply.Lent) client.ask(new Request.Create(3, Optional.of("b"), 1 << 20));
      assertThat(client.ask(new Request.Abort(4, lent.buffer())))
          .isEqualTo(new Reply.Aborted(4, lent.buffer()));
      assertThat(client.ask(new Request.Open(5, "a", OptionalLong.empty())))
          .isInstanceOf(Reply.Opened.class);
      assertThat(client.ask(new Request.Map(6, 1))).isInstanceOf(Reply.Mapped.class);
      assertThat(client.ask(new Request.ListNames(7, "", 10, 0))).isInstanceOf(Reply.Listing.class);
      assertThat(client.ask(new Request.Stat(8)))
          .isInstanceOfSatisfying(
              Reply.Stats.class, stats -> assertThat(stats.stats()).containsEntry("sessions", 1L));
      assertThat(client.ask(new Request.Delete(9, "a"))).isInstanceOf(Reply.Deleted.class);
      assertThat(client.descriptors()).hasSize(5);
    }
  }

  @Test
  void sixtyFourRequestsMayBeInWorkAndMoreMayWait() {
    try (TestClient client = daemon.open()) {
      LongStream.rangeClosed(1, 200)
          .forEach(seq ->
              client.send(TestClient.bytes(new Request.Create(seq, Optional.of("n" + seq), 4096))));
      List<Long> answered = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        answered.add(((Reply.Lent) client.receive()).seq());
      }
      assertThat(answered)
          .containsExactlyInAnyOrderElementsOf(LongStream.rangeClosed(1, 200).boxed().toList());
    }
  }

  @Test
  void theEndOfASessionFreesWhatItLeftUnfinished() throws InterruptedException {
    try (TestClient bystander = daemon.open()) {
      try (TestClient client = daemon.open()) {
        client.ask(new Request.Create(2, Optional.of("left"), 1 << 20));
        assertThat(stat(bystander, "unfinished")).isEqualTo(1);
        client.send(TestClient.bytes(new Request.Create(3, Optional.of("in flight"), 1 << 20)));
      }
      while (stat(bystander, "sessions") > 1 || stat(bystander, "unfinished_bytes") > 0) {
        Thread.sleep(Duration.ofMillis(5));
      }
      assertThat(bystander.ask(new Request.Create(9, Optional.of("left"), 1)))
          .isInstanceOf(Reply.Lent.class);
    }
  }

  @Tag("shows-48")
  @Test
  @Timeout(20)
  void whoSaysNoHelloIsClosedInTime() {
    try (TestClient silent = daemon.connect();
        TestClient half = daemon.connect()) {
      half.send(new byte[] {'S', 'B', 1, 0, 5});
      Reply late = new Reply.Failure(0, "protocol", "no hello in time: seconds=5");
      assertThat(silent.receive()).isEqualTo(late);
      assertThat(silent.receiveOrEnd()).isEmpty();
      assertThat(half.receive()).isEqualTo(late);
      assertThat(half.receiveOrEnd()).isEmpty();
    }
  }

  @Test
  @Timeout(40)
  void whoDoesNotReadIsDisconnectedAndNobodyElseNotices() {
    try (TestClient bystander = daemon.open();
        TestClient slow = daemon.open()) {
      fill(bystander);
      byte[] list = TestClient.bytes(new Request.ListNames(1, "", 1000, 0));
      for (int i = 0; i < 100; i++) {
        slow.send(list);
      }
      long slowest = 0;
      while (stat(bystander, "sessions") > 1) {
        long before = System.nanoTime();
        bystander.ask(new Request.Ping(1));
        slowest = Math.max(slowest, System.nanoTime() - before);
      }
      assertThat(Duration.ofNanos(slowest)).isLessThan(Duration.ofSeconds(1));
    }
  }

  @Test
  void aSlowReaderGetsEverythingInTheEnd() {
    try (TestClient client = daemon.open()) {
      fill(client);
      byte[] list = TestClient.bytes(new Request.ListNames(1, "", 1000, 0));
      for (int i = 0; i < 50; i++) {
        client.send(list);
      }
      client.send(TestClient.bytes(new Request.Ping(2)));
      for (int i = 0; i < 50; i++) {
        assertThat(client.receive()).isInstanceOf(Reply.Listing.class);
      }
      assertThat(client.receive()).isEqualTo(new Reply.Pong(2));
    }
  }

  @Test
  void bytesOfAFrameThatNeverEndsGoWithTheConnection() {
    byte[] put =
        TestClient.bytes(new Request.Put(1, Optional.of("n"), ByteBuffer.allocate(200_000)));
    for (int i = 0; i < 20; i++) {
      try (TestClient client = daemon.open()) {
        client.send(Arrays.copyOf(put, put.length - 1));
      }
    }
    try (TestClient client = daemon.open()) {
      client.send(put);
      assertThat(client.receive()).isInstanceOf(Reply.Published.class);
    }
  }

  @Test
  void aBatchIsCreatedWithoutANameAndAReservation() {
    Reply refused =
        new Reply.Failure(
            2, "invalid_request", "a batch is created without a name and a reservation");
    OptionalLong none = OptionalLong.empty();
    OptionalLong one = OptionalLong.of(1);
    try (TestClient client = daemon.open()) {
      assertThat(client.ask(batch(Optional.of("a"), none))).isEqualTo(refused);
      assertThat(client.ask(batch(Optional.empty(), one))).isEqualTo(refused);
    }
  }

  private static Request batch(Optional<String> name, OptionalLong reservation) {
    return new Request.Create(
        2,
        name,
        1,
        reservation,
        false,
        OptionalLong.empty(),
        false,
        true,
        Optional.empty(),
        Request.NO_PAYLOAD);
  }

  @Test
  void stoppingTellsAndEndsEverySession() {
    Reply goodbye = new Reply.Failure(0, "disconnected", "the daemon stops");
    try (TestClient client = daemon.open();
        TestClient other = daemon.connect()) {
      assertThat(other.ask(new Request.Ping(3))).isEqualTo(outOfOrder(3, "CONNECTED"));
      daemon.close();
      assertThat(client.receiveOrEnd()).contains(goodbye);
      assertThat(client.receiveOrEnd()).isEmpty();
      assertThat(other.receiveOrEnd()).contains(goodbye);
      assertThat(other.receiveOrEnd()).isEmpty();
      daemon = new TestDaemon();
    }
  }

  @Test
  void stoppingDoesNotWaitForWhoDoesNotRead() {
    try (TestClient deaf = daemon.open();
        TestClient client = daemon.open()) {
      fill(client);
      byte[] list = TestClient.bytes(new Request.ListNames(1, "", 1000, 0));
      for (int i = 0; i < 20; i++) {
        deaf.send(list);
      }
      assertThat(client.ask(new Request.Ping(2))).isEqualTo(new Reply.Pong(2));
      long before = System.nanoTime();
      daemon.close();
      assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(4));
      assertThat(client.receiveOrEnd())
          .contains(new Reply.Failure(0, "disconnected", "the daemon stops"));
      daemon = new TestDaemon();
    }
  }

  /// So many names that a listing is longer than a socket's buffer.
  private static void fill(TestClient client) {
    for (int i = 0; i < 1000; i++) {
      String name = "%0200d".formatted(i);
      client.ask(new Request.Put(1, Optional.of(name), ByteBuffer.allocate(0)));
    }
  }

  private static long stat(TestClient client, String name) {
    Reply.Stats stats = (Reply.Stats) client.ask(new Request.Stat(1));
    return (long) stats.stats().getOrDefault(name, -1L);
  }

  private static Reply outOfOrder(long seq, String state) {
    return new Reply.Failure(seq, "invalid_request", "hello comes first and once: state=" + state);
  }
}
