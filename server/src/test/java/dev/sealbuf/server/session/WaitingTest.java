package dev.sealbuf.server.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.NameList;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.TestClient;
import dev.sealbuf.server.TestDaemon;
import dev.sealbuf.testing.LeakCheck;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Parked requests over real sockets.
@Tag("daemon")
@ExtendWith(LeakCheck.class)
@Timeout(60)
final class WaitingTest {
  private static final OptionalLong NONE = OptionalLong.empty();
  private static final OptionalLong LONG = OptionalLong.of(60_000);

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
  void anOpenIsAnsweredWhenItsNameIsPut() {
    try (TestClient producer = daemon.open();
        TestClient reader = daemon.open()) {
      park(reader, open(7, "a"));

      put(producer, "a");

      assertThat(reader.receive())
          .isInstanceOfSatisfying(
              Reply.Opened.class, opened -> assertThat(opened.seq()).isEqualTo(7));
      assertThat(reader.descriptors()).hasSize(2);
    }
  }

  @Test
  void aWaitThatEndsSaysSo() {
    try (TestClient reader = daemon.open()) {
      OptionalLong soon = OptionalLong.of(1);
      assertThat(reader.ask(new Request.Open(7, "a", NONE, NONE, soon)))
          .isEqualTo(
              new Reply.Failure(
                  7, "timeout", "the wait for a name ended without it: name=a waited_ms=1"));
    }
  }

  @Test
  void parkedRequestsDoNotStopTheSession() {
    try (TestClient producer = daemon.open();
        TestClient reader = daemon.open()) {
      for (int i = 1; i <= Limits.PARKED_MAX; i++) {
        reader.send(TestClient.bytes(open(i, "n" + i)));
      }
      assertThat(reader.ask(new Request.Ping(1000))).isEqualTo(new Reply.Pong(1000));
      assertThat(reader.ask(open(1001, "more")))
          .isEqualTo(
              new Reply.Failure(
                  1001,
                  "quota_exceeded",
                  "too many parked requests of one session: parked=256 max=256"));

      put(producer, "n200");

      assertThat(reader.receive().seq()).isEqualTo(200);
    }
  }

  @Test
  void aSessionThatEndsWhileItWaitsLeavesNothing() {
    try (TestClient producer = daemon.open()) {
      Reply.Reserved right = (Reply.Reserved) producer.ask(new Request.Reserve(1, "b", NONE));
      for (int i = 0; i < 20; i++) {
        try (TestClient reader = daemon.open()) {
          park(reader, open(1, "a"));
          park(reader, new Request.Take(2, "a", LONG));
          park(reader, new Request.Reserve(3, "b", LONG));
        }
      }
      put(producer, "a");
      assertThat(producer.ask(new Request.Take(4, "a", NONE))).isInstanceOf(Reply.Taken.class);
      assertThat(producer.ask(new Request.Abort(5, right.buffer())))
          .isEqualTo(new Reply.Aborted(5, right.buffer()));
      assertThat(producer.ask(new Request.Reserve(6, "b", LONG)))
          .isInstanceOf(Reply.Reserved.class);
    }
  }

  @Test
  void whoReadsThatItTookAlsoReadsThatTheNameIsGone() {
    try (TestClient producer = daemon.open();
        TestClient taker = daemon.open()) {
      for (int i = 0; i < 100; i++) {
        taker.send(TestClient.bytes(new Request.Take(1, "a", LONG)));
        put(producer, "a");
        assertThat(taker.receive()).isInstanceOf(Reply.Taken.class);
        assertThat(taker.ask(new Request.Open(2, "a", NONE)))
            .isEqualTo(new Reply.Failure(2, "not_found", "no buffer has this name: name=a"));
      }
    }
  }

  /// The credit of a session for descriptors that it does not read is 16.
  @Test
  void aTakeWhoseDescriptorsCannotLeaveCostsNoBuffer() {
    try (TestClient producer = daemon.open();
        TestClient taker = daemon.open()) {
      put(producer, "a");
      for (int i = 1; i <= 16; i++) {
        taker.send(TestClient.bytes(new Request.Open(i, "a", NONE)));
      }
      taker.send(TestClient.bytes(new Request.Take(17, "a", NONE)));
      for (int round = 0; round < 200; round++) { // the daemon's, in which it comes to the take
        assertThat(producer.ask(new Request.Ping(1))).isEqualTo(new Reply.Pong(1));
      }
      assertThat(producer.ask(new Request.Open(2, "a", NONE))).isInstanceOf(Reply.Opened.class);
      for (int i = 1; i <= 16; i++) {
        assertThat(taker.receive()).isInstanceOf(Reply.Opened.class);
      }
      assertThat(taker.receive())
          .isEqualTo(
              new Reply.Failure(
                  17,
                  "try_again",
                  "a taken buffer's descriptors must leave at once, and cannot now: name=a"));
      assertThat(taker.ask(new Request.Take(18, "a", NONE))).isInstanceOf(Reply.Taken.class);
    }
  }

  @Test
  void deletingManyStopsAtTheFirstThatCannotBeDeleted() {
    try (TestClient client = daemon.open()) {
      put(client, "a");
      put(client, "b");
      put(client, "c");
      assertThat(client.ask(deleteMany(1, List.of("a", "x", "b"))))
          .isEqualTo(new Reply.Failure(1, "not_found", "no buffer has this name: name=x"));
      assertThat(client.ask(deleteMany(2, List.of("b", "c"))))
          .isEqualTo(new Reply.DeletedMany(2, 2));
      assertThat(client.ask(deleteMany(3, List.of("a"))))
          .isEqualTo(new Reply.Failure(3, "not_found", "no buffer has this name: name=a"));
    }
  }

  @Test
  void ofAThousandWhoReserveOneCreatesAndTheOthersRead() {
    int count = 1000;
    List<TestClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        clients.add(daemon.open());
        clients.getLast().send(TestClient.bytes(new Request.Reserve(2, "a", LONG)));
      }
      Reply.Reserved right = (Reply.Reserved) clients.getFirst().receive();
      clients
          .getFirst()
          .ask(
              new Request.Put(
                  3,
                  Optional.empty(),
                  OptionalLong.of(right.buffer()),
                  false,
                  NONE,
                  false,
                  Optional.empty(),
                  NONE,
                  ByteBuffer.allocate(100)));
      for (TestClient other : clients.subList(1, count)) {
        assertThat(other.receive()).isInstanceOf(Reply.Opened.class);
        other.descriptors().forEach(Fd::close);
      }
    } finally {
      clients.forEach(TestClient::close);
    }
  }

  @Test
  void aThousandWhoAreAnsweredAtOnceHoldNobodyUp() throws InterruptedException {
    List<TestClient> waiting = new ArrayList<>();
    try (TestClient producer = daemon.open();
        TestClient bystander = daemon.open()) {
      for (int i = 0; i < 1000; i++) {
        waiting.add(daemon.open());
        park(waiting.getLast(), open(2, "a"));
      }
      long longest = 0;
      Thread reader = Thread.ofPlatform().start(() -> waiting.forEach(TestClient::receive));
      put(producer, "a");
      while (reader.isAlive()) {
        long before = loopNanos();
        bystander.ask(new Request.Ping(3));
        longest = Math.max(longest, loopNanos() - before);
      }
      reader.join();
      assertThat(Duration.ofNanos(longest)).isLessThan(Duration.ofMillis(50));
    } finally {
      waiting.forEach(TestClient::close);
    }
  }

  /// What the loop's thread has worked: other than time, it does not grow with what else runs.
  private static long loopNanos() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("sealbuf-loop"))
        .mapToLong(
            thread -> ManagementFactory.getThreadMXBean().getThreadCpuTime(thread.threadId()))
        .sum();
  }

  private static Request open(long seq, String name) {
    return new Request.Open(seq, name, NONE, NONE, LONG);
  }

  private static Request deleteMany(long seq, List<String> names) {
    return new Request.DeleteMany(seq, names.size(), NameList.write(names));
  }

  /// Sends a request and makes sure that it is not answered.
  private static void park(TestClient client, Request request) {
    client.send(TestClient.bytes(request));
    assertThat(client.ask(new Request.Ping(999))).isEqualTo(new Reply.Pong(999));
  }

  private static void put(TestClient client, String name) {
    Request put = new Request.Put(1, Optional.of(name), ByteBuffer.allocate(5));
    assertThat(client.ask(put)).isInstanceOf(Reply.Published.class);
  }
}
