package dev.sealbuf.server.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.TestClient;
import dev.sealbuf.server.TestDaemon;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Who watches is told of everything it reads fast enough for, and otherwise that it was not.
@Tag("daemon")
@ExtendWith(LeakCheck.class)
@Timeout(60)
final class WatchingTest {
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
  void everyChangeUnderThePrefixIsTold() {
    try (TestClient watcher = watch("a/");
        TestClient producer = daemon.open()) {
      Reply.Published one = put(producer, "a/1");
      put(producer, "b/1");
      producer.ask(new Request.Delete(2, "a/1"));
      producer.ask(new Request.Delete(3, "b/1"));

      assertThat(watcher.receive()).isEqualTo(event("sealed", one));
      assertThat(watcher.receive()).isEqualTo(event("deleted", one));
      assertThat(watcher.ask(new Request.Ping(9))).isEqualTo(new Reply.Pong(9));
    }
  }

  @Test
  void aLargeBufferIsToldOfWhenItIsSealed() {
    try (TestClient watcher = watch("");
        TestClient producer = daemon.open()) {
      Reply.Lent lent =
          (Reply.Lent) producer.ask(new Request.Create(1, Optional.of("a"), 3_000_000));
      assertThat(watcher.ask(new Request.Ping(9))).isEqualTo(new Reply.Pong(9));
      producer.ask(new Request.Seal(2, lent.buffer(), OptionalLong.empty()));

      assertThat(watcher.receive())
          .isInstanceOfSatisfying(
              Reply.Event.class, event -> assertThat(event.nbytes()).isEqualTo(3_000_000));
    }
  }

  @Test
  void watchingSaysFromWhichVersionOn() {
    try (TestClient producer = daemon.open();
        TestClient watcher = daemon.open()) {
      long version = put(producer, "a").version();
      assertThat(watcher.ask(new Request.Watch(2, "", false)))
          .isEqualTo(new Reply.Watching(2, version));
    }
  }

  @Test
  void aWatcherAsksForNothingElse() {
    try (TestClient watcher = watch("")) {
      String message = "a session that watches asks for nothing else but ping";
      assertThat(watcher.ask(new Request.Stat(3)))
          .isEqualTo(new Reply.Failure(3, "invalid_request", message));
      assertThat(watcher.ask(new Request.Watch(4, "", false)))
          .isEqualTo(new Reply.Failure(4, "invalid_request", message));
    }
  }

  @Test
  void aPrefixIsCheckedLikeAName() {
    try (TestClient client = daemon.open()) {
      assertThat(client.ask(new Request.Watch(2, "a\nb", false)))
          .isEqualTo(
              new Reply.Failure(
                  2, "invalid_name", "name has a control character: char=U+000A at=1"));
      assertThat(client.ask(new Request.Ping(3))).isEqualTo(new Reply.Pong(3));
    }
  }

  /// More than its backlog and its socket hold, twice.
  @Test
  void aWatcherThatDoesNotReadIsToldOnceThatItMissedSomethingAndGoesOn() {
    int count = 10_000;
    try (TestClient slow = watch("");
        TestClient fast = watch("");
        TestClient producer = daemon.open()) {
      long last = 0;
      for (int i = 0; i < count; i++) {
        Reply.Published made = put(producer, "n" + i);
        assertThat(fast.receive()).isEqualTo(event("sealed", made));
        last = made.version();
      }

      List<Reply.Event> told = readUntilOverflow(slow);

      for (int i = 0; i < told.size() - 1; i++) {
        assertThat(told.get(i).name()).isEqualTo("n" + i);
      }
      assertThat(told).hasSizeLessThan(count);
      assertThat(told.getLast()).isEqualTo(new Reply.Event(0, "overflow", "", 0, last, 0, 0, 0));
      Reply.Published next = put(producer, "next");
      assertThat(slow.receive()).isEqualTo(event("sealed", next));
    }
  }

  @Test
  void aWatcherThatDoesNotReadHoldsUpNoAnswer() {
    try (TestClient slow = watch("");
        TestClient producer = daemon.open()) {
      for (int i = 0; i < 5000; i++) {
        put(producer, "n" + i);
      }
      slow.send(TestClient.bytes(new Request.Ping(9)));
      Reply reply = slow.receive();
      while (reply instanceof Reply.Event) {
        reply = slow.receive();
      }
      assertThat(reply).isEqualTo(new Reply.Pong(9));
    }
  }

  /// More than its backlog and its socket hold.
  @Test
  void aReplayTellsOfEverythingOnceHoweverSlowlyItIsRead() {
    int count = 6000;
    try (TestClient producer = daemon.open();
        TestClient watcher = daemon.open()) {
      for (int i = 0; i < count; i++) {
        put(producer, "n" + i);
        put(producer, "other" + i);
      }
      producer.ask(new Request.Delete(2, "n7"));
      assertThat(watcher.ask(new Request.Watch(2, "n", true)))
          .isEqualTo(new Reply.Watching(2, 2L * count));

      Set<String> names = new HashSet<>();
      while (names.size() < count - 1) {
        Reply.Event event = (Reply.Event) watcher.receive();
        assertThat(event.kind()).isEqualTo("sealed");
        assertThat(names.add(event.name())).isTrue();
      }

      assertThat(names).allMatch(name -> name.startsWith("n")).doesNotContain("n7");
      Reply.Published next = put(producer, "next");
      assertThat(watcher.receive()).isEqualTo(event("sealed", next));
    }
  }

  @Test
  void aReplayAndTheChangesMeanwhileMakeTheWholePicture() {
    int count = 3000;
    try (TestClient producer = daemon.open();
        TestClient watcher = daemon.open()) {
      for (int i = 0; i < count; i++) {
        put(producer, "n" + i);
      }
      watcher.send(TestClient.bytes(new Request.Watch(2, "", true)));
      assertThat(watcher.receive()).isInstanceOf(Reply.Watching.class);
      for (int i = 0; i < count; i += 3) {
        producer.ask(new Request.Delete(3, "n" + i));
      }
      put(producer, "last");

      Set<String> live = new HashSet<>();
      while (!live.contains("last") || live.size() < count - count / 3 + 1) {
        Reply.Event event = (Reply.Event) watcher.receive();
        boolean _ =
            event.kind().equals("sealed") ? live.add(event.name()) : live.remove(event.name());
      }

      assertThat(live).hasSize(count - count / 3 + 1);
    }
  }

  @Test
  void aWatcherThatLeavesInTheMiddleOfItsReplayLeavesNothing() {
    try (TestClient producer = daemon.open()) {
      for (int i = 0; i < 5000; i++) {
        put(producer, "n" + i);
      }
      for (int i = 0; i < 20; i++) {
        try (TestClient watcher = daemon.open()) {
          watcher.send(TestClient.bytes(new Request.Watch(2, "", true)));
          assertThat(watcher.receive()).isInstanceOf(Reply.Watching.class);
        }
      }
      assertThat(producer.ask(new Request.Ping(9))).isEqualTo(new Reply.Pong(9));
    }
  }

  @Test
  void manyWatchersAreToldTheSame() {
    List<TestClient> watchers = new ArrayList<>();
    try (TestClient producer = daemon.open()) {
      for (int i = 0; i < 100; i++) {
        watchers.add(watch("a"));
      }
      Reply.Published made = put(producer, "a");
      for (TestClient watcher : watchers) {
        assertThat(watcher.receive()).isEqualTo(event("sealed", made));
      }
    } finally {
      watchers.forEach(TestClient::close);
    }
  }

  private static List<Reply.Event> readUntilOverflow(TestClient client) {
    List<Reply.Event> events = new ArrayList<>();
    do {
      events.add((Reply.Event) client.receive());
    } while (!events.getLast().kind().equals("overflow"));
    return events;
  }

  private TestClient watch(String prefix) {
    TestClient client = daemon.open();
    assertThat(client.ask(new Request.Watch(2, prefix, false))).isInstanceOf(Reply.Watching.class);
    return client;
  }

  private static Reply.Published put(TestClient client, String name) {
    Request put = new Request.Put(1, Optional.of(name), ByteBuffer.allocate(5));
    return (Reply.Published) client.ask(put);
  }

  private static Reply event(String kind, Reply.Published made) {
    long owner = PeerCredentials.ownUid();
    return new Reply.Event(
        0, kind, made.name(), made.buffer(), made.version(), 5, owner, made.created());
  }
}
