package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.TestClient;
import dev.sealbuf.server.TestDaemon;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// A name is kept to the byte or refused; never changed, never a path.
@Tag("daemon")
final class NamesTest {
  private static TestDaemon daemon;

  @BeforeAll
  static void start() {
    daemon = new TestDaemon();
  }

  @AfterAll
  static void stop() {
    daemon.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "../../etc/passwd",
        ".",
        " ",
        "a b",
        "%s%n",
        "name\"with\\quotes",
        "λ/Größe",
        "😀",
        "\u202eright to left",
        "\ufeff"
      })
  void aNameIsKeptToTheByte(String name) {
    try (TestClient client = daemon.open()) {
      assertPublished(client, name);
      client.ask(new Request.Delete(2, name));
    }
  }

  @Test
  void composedAndDecomposedAreTwoNames() {
    try (TestClient client = daemon.open()) {
      assertPublished(client, "\u00e9");
      assertPublished(client, "e\u0301");
    }
  }

  @Test
  void theLongestNameIsKept() {
    try (TestClient client = daemon.open()) {
      assertPublished(client, "x".repeat(255));
      assertThat(client.ask(put("ä".repeat(128))))
          .isEqualTo(refused("name too long: bytes=256 max=255"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'', name is empty: bytes=0 min=1",
    "'a\u0000b', name has a control character: char=U+0000 at=1",
    "'line\nbreak', name has a control character: char=U+000A at=4",
    "'\u001b[2J', name has a control character: char=U+001B at=0",
    "'\u007f', name has a control character: char=U+007F at=0",
    "'\u0085', name has a control character: char=U+0085 at=0"
  })
  void aNameThatIsNoneIsRefused(String name, String message) {
    try (TestClient client = daemon.open()) {
      assertThat(client.ask(put(name))).isEqualTo(refused(message));
      assertThat(client.ask(new Request.Create(1, Optional.of(name), 1)))
          .isEqualTo(refused(message));
      assertThat(client.ask(new Request.Ping(2))).isEqualTo(new Reply.Pong(2));
    }
  }

  @Test
  void anUnpairedSurrogateIsRefused() {
    try (TestClient client = daemon.open()) {
      client.send(TestClient.frame("{\"op\":\"open\",\"seq\":1,\"name\":\"a\\" + "ud800\"}"));
      assertThat(client.receive())
          .isInstanceOfSatisfying(
              Reply.Failure.class,
              error -> assertThat(error.code()).isIn("invalid_name", "invalid_request"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0x80, 0xc0, 0xff})
  void bytesThatAreNotUtf8AreRefused(int bad) {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    head.writeBytes("{\"op\":\"open\",\"seq\":1,\"name\":\"a".getBytes(StandardCharsets.UTF_8));
    head.write(bad);
    head.writeBytes("\"}".getBytes(StandardCharsets.UTF_8));
    try (TestClient client = daemon.open()) {
      client.send(TestClient.frame(head.toByteArray()));
      assertThat(client.receive())
          .isInstanceOfSatisfying(
              Reply.Failure.class, error -> assertThat(error.code()).isEqualTo("invalid_request"));
      assertThat(client.ask(new Request.Ping(2))).isEqualTo(new Reply.Pong(2));
    }
  }

  private static void assertPublished(TestClient client, String name) {
    assertThat(client.ask(put(name)))
        .isInstanceOfSatisfying(
            Reply.Published.class, made -> assertThat(made.name()).isEqualTo(name));
    assertThat(client.ask(new Request.Open(1, name, OptionalLong.empty())))
        .isInstanceOf(Reply.Opened.class);
  }

  private static Request put(String name) {
    return new Request.Put(1, Optional.of(name), ByteBuffer.allocate(1));
  }

  private static Reply refused(String message) {
    return new Reply.Failure(1, "invalid_name", message);
  }
}
