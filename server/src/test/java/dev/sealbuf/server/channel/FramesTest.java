package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.TestClient;
import dev.sealbuf.server.TestDaemon;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// However frames are cut, and whatever their lengths say.
@Tag("daemon")
final class FramesTest {
  private static TestDaemon daemon;

  @BeforeAll
  static void start() {
    daemon = new TestDaemon();
  }

  @AfterAll
  static void stop() {
    daemon.close();
  }

  @Tag("shows-12")
  @Test
  void aFrameMayComeByteByByte() {
    byte[] ping = TestClient.bytes(new Request.Ping(7));
    try (TestClient client = daemon.open()) {
      for (byte one : ping) {
        client.send(new byte[] {one});
      }
      assertThat(client.receive()).isEqualTo(new Reply.Pong(7));
    }
  }

  @Tag("shows-12")
  @Test
  void aFrameMayBeCutAtEveryByte() {
    byte[] put =
        TestClient.bytes(new Request.Put(7, Optional.of(""), ByteBuffer.wrap(new byte[20])));
    try (TestClient client = daemon.open()) {
      for (int cut = 1; cut < put.length; cut++) {
        client.send(Arrays.copyOf(put, cut));
        client.send(Arrays.copyOfRange(put, cut, put.length));
        assertThat(client.receive()).isEqualTo(emptyName(7));
      }
    }
  }

  @Tag("shows-12")
  @Test
  void aThousandFramesMayComeAtOnce() {
    ByteArrayOutputStream glued = new ByteArrayOutputStream();
    for (int seq = 1; seq <= 1000; seq++) {
      glued.writeBytes(TestClient.bytes(new Request.Ping(seq)));
    }
    try (TestClient client = daemon.open()) {
      client.send(glued.toByteArray());
      for (int seq = 1; seq <= 1000; seq++) {
        assertThat(client.receive()).isEqualTo(new Reply.Pong(seq));
      }
    }
  }

  @Tag("shows-13")
  @ParameterizedTest
  @ValueSource(longs = {0, 65_537, 0x7fff_ffffL, 0x8000_0000L, 0xffff_ffffL})
  void aHeadOfNoOrTooManyBytesEndsTheConnection(long headBytes) {
    assertEnds(
        prefix((int) headBytes, 0),
        "protocol",
        "head length out of bounds: head_bytes=%d min=1 max=65536".formatted(headBytes));
  }

  @ParameterizedTest
  @ValueSource(
      longs = {
        2_097_153,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1
      })
  void aPayloadOfTooManyBytesEndsTheConnection(long payloadBytes) {
    assertEnds(
        prefix(1, payloadBytes),
        "protocol",
        "payload too long: payload_bytes=%s max=2097152"
            .formatted(Long.toUnsignedString(payloadBytes)));
  }

  @Test
  void statedDescriptorsEndTheConnection() {
    byte[] frame = TestClient.bytes(new Request.Ping(1));
    frame[3] = 1;
    assertEnds(frame, "protocol", "too many descriptors: descriptors=1 max=0");
  }

  @Test
  void theLongestHeadIsRead() {
    byte[] head = new byte[65_536];
    Arrays.fill(head, (byte) ' ');
    byte[] ping = "{\"op\":\"ping\",\"seq\":9}".getBytes(StandardCharsets.UTF_8);
    System.arraycopy(ping, 0, head, 0, ping.length);
    try (TestClient client = daemon.open()) {
      client.send(TestClient.frame(head));
      assertThat(client.receive()).isEqualTo(new Reply.Pong(9));
    }
  }

  @Test
  void theShortestHeadIsRead() {
    try (TestClient client = daemon.open()) {
      client.send(TestClient.frame("{"));
      assertThat(client.receive())
          .isInstanceOfSatisfying(
              Reply.Failure.class, error -> assertThat(error.code()).isEqualTo("invalid_request"));
      assertThat(client.ask(new Request.Ping(2))).isEqualTo(new Reply.Pong(2));
    }
  }

  @Test
  void theLargestPayloadIsPublished() {
    ByteBuffer payload = ByteBuffer.allocate(262_144);
    try (TestClient client = daemon.open()) {
      assertThat(client.ask(new Request.Put(1, Optional.of("largest"), payload)))
          .isInstanceOf(Reply.Published.class);
      assertThat(client.ask(new Request.Delete(2, "largest"))).isInstanceOf(Reply.Deleted.class);
    }
  }

  @Tag("shows-18")
  @ParameterizedTest
  @CsvSource({"2, 0", "2, 2"})
  void anotherVersionIsToldSo(int at, byte version) {
    byte[] frame = TestClient.bytes(new Request.Ping(1));
    frame[at] = version;
    assertEnds(
        frame,
        "wrong_version",
        "not a frame of protocol version 1: byte=2 value=0x%02x expected=0x01".formatted(version));
  }

  @Tag("shows-18")
  @ParameterizedTest
  @ValueSource(strings = {"GET / HTTP/1.1\r\n\r\n", "\u0016\u0003\u0001"})
  void anotherProtocolIsToldSo(String bytes) {
    byte[] sent = bytes.getBytes(StandardCharsets.ISO_8859_1);
    assertEnds(
        sent,
        "wrong_version",
        "not a frame of protocol version 1: byte=0 value=0x%02x expected=0x53".formatted(sent[0]));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "null",
        "{}",
        "{\"op\":\"ping\"}",
        "{\"op\":\"ping\",\"seq\":\"1\"}",
        "{\"op\":\"ping\",\"seq\":1.0}",
        "{\"op\":\"ping\",\"seq\":0}",
        "{\"op\":\"ping\",\"seq\":9007199254740992}",
        "{\"op\":\"ping\",\"seq\":1,\"seq\":1}",
        "{\"op\":\"ping\",\"seq\":1,\"more\":1}",
        "{\"op\":\"ping\",\"seq\":1}{}",
        "{\"op\":\"gnip\",\"seq\":1}",
        "{\"op\":\"list\",\"seq\":1,\"prefix\":\"\",\"limit\":0,\"cursor\":0}",
        "{\"op\":\"create\",\"seq\":1,\"nbytes\":-1}",
      })
  void aHeadThatIsNotInTheTablesIsRefusedAndTheConnectionGoesOn(String head) {
    try (TestClient client = daemon.open()) {
      client.send(TestClient.frame(head));
      assertThat(client.receive())
          .isInstanceOfSatisfying(
              Reply.Failure.class, error -> assertThat(error.code()).isEqualTo("invalid_request"));
      assertThat(client.ask(new Request.Ping(2))).isEqualTo(new Reply.Pong(2));
    }
  }

  /// The error arrives although the client has sent a megabyte that nobody looks at.
  private static void assertEnds(byte[] sent, String code, String message) {
    for (boolean more : new boolean[] {false, true}) {
      try (TestClient client = daemon.open()) {
        client.send(more ? Arrays.copyOf(sent, 1 << 20) : sent);
        assertThat(client.receive()).isEqualTo(new Reply.Failure(0, code, message));
        assertThat(client.receiveOrEnd()).isEmpty();
      }
    }
  }

  private static Reply emptyName(long seq) {
    return new Reply.Failure(seq, "invalid_name", "name is empty: bytes=0 min=1");
  }

  private static byte[] prefix(int headBytes, long payloadBytes) {
    return ByteBuffer.allocate(16)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(new byte[] {'S', 'B', 1, 0})
        .putInt(headBytes)
        .putLong(payloadBytes)
        .array();
  }
}
