package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FrameDecoderTest {
  @Test
  void aFrameSplitAtEveryByteIsTheSameFrame() throws FrameException {
    ByteBuffer whole = Vector.read("frame-put.hex").bytes();
    Frame expected = FrameDecoder.ofRequests().next(whole.duplicate()).orElseThrow();
    for (int split = 0; split <= whole.limit(); split++) {
      FrameDecoder decoder = FrameDecoder.ofRequests();
      ByteBuffer second = whole.slice(split, whole.limit() - split);
      List<Frame> frames = new ArrayList<>(all(decoder, whole.slice(0, split)));
      frames.addAll(all(decoder, second));
      assertThat(frames).as("split at %d", split).containsExactly(expected);
      assertThat(decoder.isIdle()).isTrue();
    }
  }

  @Test
  void aThousandGluedFramesComeOutOneByOneHoweverTheyAreCut() throws FrameException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    ByteBuffer one = Vector.read("frame-put.hex").bytes();
    ByteBuffer glued = ByteBuffer.allocate(one.limit() * 1000);
    while (glued.hasRemaining()) {
      glued.put(one.duplicate());
    }
    glued.flip();
    assertThat(all(FrameDecoder.ofRequests(), glued.duplicate())).hasSize(1000);

    FrameDecoder decoder = FrameDecoder.ofRequests();
    List<Frame> frames = new ArrayList<>();
    while (glued.hasRemaining()) {
      int length = Math.min(glued.remaining(), random.nextInt(200));
      frames.addAll(all(decoder, glued.slice(glued.position(), length)));
      glued.position(glued.position() + length);
    }
    assertThat(frames).as("seed %d", seed).hasSize(1000);
    assertThat(frames.stream().distinct()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, Limits.HEAD_MAX})
  void headsOfOneByteAndOfTheMaximumAreAccepted(int bytes) throws FrameException {
    ByteBuffer frame = ByteBuffer.allocate(Prefix.BYTES + bytes);
    new Prefix(0, bytes, 0).put(frame);
    Optional<Frame> decoded = FrameDecoder.ofRequests().next(frame.clear());
    assertThat(decoded.orElseThrow().head().remaining()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, Limits.PAYLOAD_MAX})
  void payloadsUpToTheMaximumAreAccepted(int bytes) throws FrameException {
    ByteBuffer frame = ByteBuffer.allocate(Prefix.BYTES + 1 + bytes);
    new Prefix(0, 1, bytes).put(frame);
    Optional<Frame> decoded = FrameDecoder.ofRequests().next(frame.clear());
    assertThat(decoded.orElseThrow().payload().remaining()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @CsvSource({"0", "65537", "2147483647", "2147483648", "4294967295"})
  void headLengthsOutOfBoundsAreRefused(long bytes) {
    refused(
        prefix(0, (int) bytes, 0),
        "head length out of bounds: head_bytes=%d min=1 max=65536".formatted(bytes));
  }

  @ParameterizedTest
  @CsvSource({
    "2097153",
    "2147483647",
    "2147483648",
    "4294967295",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615"
  })
  void payloadLengthsOutOfBoundsAreRefused(BigInteger bytes) {
    refused(
        prefix(0, 1, bytes.longValue()),
        "payload too long: payload_bytes=%s max=2097152".formatted(bytes));
  }

  @Test
  void theDaemonTakesNoDescriptors() {
    assertThatThrownBy(() -> FrameDecoder.ofRequests().next(prefix(1, 1, 0)))
        .isInstanceOf(FrameException.class)
        .hasMessage("too many descriptors: descriptors=1 max=0")
        .extracting(e -> ((FrameException) e).code())
        .isEqualTo(ErrorCode.PROTOCOL);
  }

  @Test
  void aClientTakesTwoDescriptorsAndNoMore() throws FrameException {
    assertThat(FrameDecoder.ofReplies().next(prefix(2, 1, 0))).isEmpty();
    assertThatThrownBy(() -> FrameDecoder.ofReplies().next(prefix(3, 1, 0)))
        .hasMessage("too many descriptors: descriptors=3 max=2");
  }

  @Test
  void aFrameWithDescriptorsIsShort() throws FrameException {
    assertThat(FrameDecoder.ofReplies().next(prefix(1, 4080, 0))).isEmpty();
    assertThatThrownBy(() -> FrameDecoder.ofReplies().next(prefix(1, 4080, 1)))
        .hasMessage("frame with descriptors too long: bytes=4097 max=4096");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET / HTTP/1.1", "\u0016\u0003\u0001", "SB\u0000", "SB\u0002", "X"})
  void anotherProtocolIsToldAtItsFirstWrongByte(String start) {
    FrameDecoder decoder = FrameDecoder.ofRequests();
    assertThatThrownBy(() -> decoder.next(ByteBuffer.wrap(start.getBytes(US_ASCII))))
        .isInstanceOf(FrameException.class)
        .hasMessageStartingWith("not a frame of protocol version 1: byte=")
        .extracting(e -> ((FrameException) e).code())
        .isEqualTo(ErrorCode.WRONG_VERSION);
  }

  @Test
  void versionIsCheckedBeforeDescriptorsAndLengths() {
    ByteBuffer all = prefix(9, -1, -1).put(2, (byte) 7);
    assertThatThrownBy(() -> FrameDecoder.ofRequests().next(all))
        .hasMessage("not a frame of protocol version 1: byte=2 value=0x07 expected=0x01");
  }

  @Test
  void aFrameWaitsForItsMemoryBehindThePrefix() throws FrameException {
    AtomicBoolean room = new AtomicBoolean();
    FrameDecoder decoder = FrameDecoder.ofRequests(_ -> room.get());
    ByteBuffer frame = Vector.read("frame-put.hex").bytes();
    int body = frame.limit() - Prefix.BYTES;

    assertThat(decoder.next(frame)).isEmpty();
    assertThat(frame.remaining()).isEqualTo(body);
    assertThat(decoder.missing()).isZero();
    assertThat(decoder.isIdle()).isFalse();

    room.set(true);
    assertThat(decoder.next(frame.slice(frame.position(), 3))).isEmpty();
    assertThat(decoder.missing()).isEqualTo(body - 3);
    assertThat(decoder.next(frame.position(frame.position() + 3))).isPresent();
    assertThat(decoder.missing()).isZero();
    assertThat(decoder.isIdle()).isTrue();
  }

  @Test
  void repliesAreReadWhole() throws FrameException {
    ByteBuffer frame = Vector.read("frame-pong.hex").bytes();
    assertThat(FrameDecoder.ofReplies().next(frame)).isPresent();
  }

  @Test
  void afterABadFrameNothingIsRead() {
    FrameDecoder decoder = FrameDecoder.ofRequests();
    assertThatThrownBy(() -> decoder.next(prefix(0, 0, 0))).isInstanceOf(FrameException.class);
    assertThatThrownBy(() -> decoder.next(Vector.read("frame-ping.hex").bytes()))
        .hasMessage("stream is out of step after a bad frame");
  }

  @Test
  void randomBytesEndInARefusalOrWaitForMore() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] valid = Vector.read("frame-put.hex").bytes().array();
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = valid.clone();
      for (int flips = random.nextInt(4); flips >= 0; flips--) {
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      }
      try {
        for (Frame frame : all(FrameDecoder.ofRequests(), ByteBuffer.wrap(bytes))) {
          Requests.read(frame);
        }
      } catch (Violation e) {
        assertThat(e.getMessage()).as("seed %d round %d", seed, round).doesNotContain("\n");
      }
    }
  }

  private static void refused(ByteBuffer prefix, String message) {
    assertThatThrownBy(() -> FrameDecoder.ofRequests().next(prefix))
        .isInstanceOf(FrameException.class)
        .hasMessage(message)
        .extracting(e -> ((FrameException) e).code())
        .isEqualTo(ErrorCode.PROTOCOL);
  }

  private static ByteBuffer prefix(int descriptors, int headBytes, long payloadBytes) {
    return LittleEndian.order(ByteBuffer.allocate(Prefix.BYTES))
        .put(new byte[] {'S', 'B', 1, (byte) descriptors})
        .putInt(headBytes)
        .putLong(payloadBytes)
        .flip();
  }

  private static List<Frame> all(FrameDecoder decoder, ByteBuffer in) throws FrameException {
    List<Frame> frames = new ArrayList<>();
    for (Optional<Frame> f = decoder.next(in); f.isPresent(); f = decoder.next(in)) {
      frames.add(f.get());
    }
    return frames;
  }
}
