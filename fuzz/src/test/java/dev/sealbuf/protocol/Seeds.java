package dev.sealbuf.protocol;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// The golden vectors, as the targets take their input.
public final class Seeds {
  /// Parts a head from its payload; no JSON has it.
  private static final byte PART = 0;

  private Seeds() {}

  /// Frames as they are on the wire, and two that are glued.
  public static Stream<byte[]> frames() {
    List<byte[]> frames = vectors("frame-").toList();
    return Stream.concat(frames.stream(), Stream.of(join(frames.getFirst(), frames.getLast())));
  }

  /// Head and payload of each frame.
  static Stream<byte[]> bodies() {
    return vectors("frame-").map(Seeds::body);
  }

  /// Records at the beginning of a slab.
  static Stream<byte[]> records() {
    return vectors("record-");
  }

  /// The lists that are payloads.
  static Stream<byte[]> payloads() {
    return frames()
        .map(Seeds::frame)
        .filter(frame -> frame.payload().hasRemaining())
        .map(frame -> {
          byte[] count = {2};
          return join(count, bytes(frame.payload()));
        });
  }

  /// The frame of a head and a payload that a zero byte parts.
  static Frame parted(byte[] input) {
    int at = 0;
    while (at < input.length && input[at] != PART) {
      at++;
    }
    int payload = Math.min(at + 1, input.length);
    return new Frame(
        0, ByteBuffer.wrap(input, 0, at), ByteBuffer.wrap(input, payload, input.length - payload));
  }

  private static Stream<byte[]> vectors(String kind) {
    return Vector.files(kind + ".*").stream().map(file -> Vector.read(file).bytes().array());
  }

  private static byte[] body(byte[] bytes) {
    Frame frame = frame(bytes);
    return join(bytes(frame.head()), new byte[] {PART}, bytes(frame.payload()));
  }

  private static Frame frame(byte[] bytes) {
    try {
      return FrameDecoder.ofReplies().next(ByteBuffer.wrap(bytes)).orElseThrow();
    } catch (FrameException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    Arrays.stream(parts).forEach(all::writeBytes);
    return all.toByteArray();
  }
}
