package dev.sealbuf.server.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.TestClient;
import dev.sealbuf.server.TestDaemon;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Holds, deletion of one buffer only, and buffers without a name, as a client sees them.
@Tag("daemon")
@ExtendWith(LeakCheck.class)
@Timeout(60)
final class HoldingTest {
  private static final OptionalLong NOT_MAPPED = OptionalLong.empty();

  private TestDaemon daemon;

  @BeforeEach
  void start() {
    daemon = new TestDaemon();
  }

  @AfterEach
  void stop() {
    daemon.close();
  }

  private static Reply.Published put(TestClient client, Optional<String> name) {
    return (Reply.Published) client.ask(new Request.Put(2, name, ByteBuffer.allocate(5)));
  }

  private static Reply failure(long seq, String code, String message) {
    return new Reply.Failure(seq, code, message);
  }

  @Test
  void aHeldBufferIsOpenedOnceAfterItsSessionAndItsNameAreGone() {
    Reply.Published made;
    Reply.Held held;
    try (TestClient producer = daemon.open()) {
      made = put(producer, Optional.of("a"));
      held = (Reply.Held) producer.ask(new Request.Hold(3, "a", made.buffer()));
      assertThat(producer.ask(new Request.Delete(4, "a", OptionalLong.of(made.buffer()))))
          .isEqualTo(new Reply.Deleted(4, "a", made.buffer()));
    }
    try (TestClient reader = daemon.open()) {
      Request open = new Request.OpenHeld(2, "a", made.buffer(), held.hold(), NOT_MAPPED);
      int before = reader.descriptors().size();
      assertThat(reader.ask(open))
          .isEqualTo(new Reply.Opened(2, made.slab(), made.slabBytes(), made.record(), 0, 0));
      assertThat(reader.descriptors()).hasSize(before + 1);
      assertThat(reader.ask(open))
          .isEqualTo(
              failure(
                  2,
                  "not_found",
                  "this buffer does not have this name, and no such hold is left: buffer=%d name=a"
                      .formatted(made.buffer())));
    }
  }

  @Test
  void whoHasTheSlabMappedUsesTheHoldUpToo() {
    try (TestClient client = daemon.open()) {
      Reply.Published made = put(client, Optional.of("a"));
      Reply.Held held = (Reply.Held) client.ask(new Request.Hold(3, "a", made.buffer()));
      client.ask(new Request.Delete(4, "a"));
      OptionalLong slab = OptionalLong.of(made.slab());
      Request open = new Request.OpenHeld(5, "a", made.buffer(), held.hold(), slab);
      assertThat(client.ask(open)).isInstanceOf(Reply.Opened.class);
      assertThat(client.ask(open)).isInstanceOf(Reply.Failure.class);
    }
  }

  /// The credit of a session for descriptors that it does not read is 16.
  @Test
  void anOpeningWhoseDescriptorsCannotLeaveUsesNoHoldUp() {
    try (TestClient producer = daemon.open();
        TestClient reader = daemon.open()) {
      put(producer, Optional.of("other"));
      Reply.Published made = put(producer, Optional.of("a"));
      Reply.Held held = (Reply.Held) producer.ask(new Request.Hold(3, "a", made.buffer()));
      producer.ask(new Request.Delete(4, "a"));
      for (int i = 1; i <= 16; i++) {
        reader.send(TestClient.bytes(new Request.Open(i, "other", NOT_MAPPED)));
      }
      reader.send(TestClient.bytes(openHeld(17, made, held)));
      for (int round = 0; round < 200; round++) { // the daemon's, in which it comes to the last
        assertThat(producer.ask(new Request.Ping(5))).isEqualTo(new Reply.Pong(5));
      }
      for (int i = 1; i <= 16; i++) {
        assertThat(reader.receive()).isInstanceOf(Reply.Opened.class);
      }
      assertThat(reader.receive())
          .isEqualTo(
              failure(
                  17,
                  "try_again",
                  "a held buffer's descriptors must leave at once, and cannot now: name=a"));
      assertThat(reader.ask(openHeld(18, made, held))).isInstanceOf(Reply.Opened.class);
      assertThat(reader.ask(openHeld(19, made, held))).isInstanceOf(Reply.Failure.class);
    }
  }

  private static Request openHeld(long seq, Reply.Published made, Reply.Held held) {
    return new Request.OpenHeld(seq, made.name(), made.buffer(), held.hold(), NOT_MAPPED);
  }

  @Test
  void aDeletionOfAnotherBufferIsRefusedAndDeletesNothing() {
    try (TestClient client = daemon.open()) {
      Reply.Published made = put(client, Optional.of("a"));
      long wrong = made.buffer() + 1;
      assertThat(client.ask(new Request.Delete(3, "a", OptionalLong.of(wrong))))
          .isEqualTo(
              failure(
                  3,
                  "not_found",
                  "this buffer does not have this name: buffer=" + wrong + " name=a"));
      assertThat(client.ask(new Request.Open(4, "a", NOT_MAPPED))).isInstanceOf(Reply.Opened.class);
    }
  }

  @Test
  void buffersWithoutANameEndWithTheirSession() {
    try (TestClient watcher = daemon.open()) {
      watcher.ask(new Request.Watch(2, "", false));
      Reply.Published made;
      try (TestClient producer = daemon.open()) {
        made = put(producer, Optional.empty());
        assertThat(((Reply.Event) watcher.receive()).kind()).isEqualTo(Reply.Event.SEALED);
      }
      Reply.Event deleted = (Reply.Event) watcher.receive();
      assertThat(deleted.kind()).isEqualTo(Reply.Event.DELETED);
      assertThat(deleted.name()).isEqualTo(made.name());
    }
  }
}
