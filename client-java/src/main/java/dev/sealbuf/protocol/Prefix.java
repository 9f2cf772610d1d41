package dev.sealbuf.protocol;

import java.nio.ByteBuffer;

/// The 16 bytes before every head.
///
/// ```
///  0      2      3            4            8                16
/// +------+------+------------+------------+----------------+
/// | "SB" | 1    | descriptors| head_bytes | payload_bytes  |
/// +------+------+------------+------------+----------------+
/// ```
///
/// It is checked in the order of its fields, and before anything is allocated for the frame. The
/// first bytes are judged as they come, so that a peer that speaks another protocol is told at
/// once.
///
/// @param descriptors number of descriptors that travel with the frame
public record Prefix(int descriptors, int headBytes, int payloadBytes) {
  public static final int BYTES = 16;
  public static final int VERSION = 1;

  private static final byte[] START = {'S', 'B', VERSION};
  private static final int DESCRIPTORS = START.length;
  private static final int HEAD_BYTES = DESCRIPTORS + Byte.BYTES;
  private static final int PAYLOAD_BYTES = HEAD_BYTES + Integer.BYTES;

  /// Length of the frame.
  public int frameBytes() {
    return BYTES + headBytes + payloadBytes;
  }

  /// Appends the prefix.
  public void put(ByteBuffer out) {
    LittleEndian.order(out);
    out.put(START).put((byte) descriptors).putInt(headBytes).putLong(payloadBytes);
  }

  /// Reads and checks a whole prefix from byte 0.
  ///
  /// @param descriptorsMax 0 at the daemon, which takes none; DESCRIPTORS_MAX at a client
  static Prefix check(ByteBuffer bytes, int descriptorsMax) throws FrameException {
    LittleEndian.order(bytes);
    checkStart(bytes, BYTES);
    Prefix prefix =
        new Prefix(
            checkDescriptors(Byte.toUnsignedInt(bytes.get(DESCRIPTORS)), descriptorsMax),
            checkHead(Integer.toUnsignedLong(bytes.getInt(HEAD_BYTES))),
            checkPayload(bytes.getLong(PAYLOAD_BYTES)));
    if (prefix.descriptors > 0 && prefix.frameBytes() > Limits.DESCRIPTOR_FRAME_MAX) {
      throw refused(
          "frame with descriptors too long: bytes=%d max=%d"
              .formatted(prefix.frameBytes(), Limits.DESCRIPTOR_FRAME_MAX));
    }
    return prefix;
  }

  /// Checks magic and version as far as `length` bytes reach.
  static void checkStart(ByteBuffer bytes, int length) throws FrameException {
    for (int at = 0; at < Math.min(length, START.length); at++) {
      if (bytes.get(at) != START[at]) {
        throw new FrameException(
            ErrorCode.WRONG_VERSION,
            "not a frame of protocol version %d: byte=%d value=0x%02x expected=0x%02x"
                .formatted(VERSION, at, bytes.get(at), START[at]));
      }
    }
  }

  private static int checkDescriptors(int count, int max) throws FrameException {
    if (count > max) {
      throw refused("too many descriptors: descriptors=%d max=%d".formatted(count, max));
    }
    return count;
  }

  private static int checkHead(long bytes) throws FrameException {
    if (bytes < 1 || bytes > Limits.HEAD_MAX) {
      throw refused(
          "head length out of bounds: head_bytes=%d min=1 max=%d"
              .formatted(bytes, Limits.HEAD_MAX));
    }
    return (int) bytes;
  }

  private static int checkPayload(long bytes) throws FrameException {
    if (bytes < 0 || bytes > Limits.PAYLOAD_MAX) {
      throw refused(
          "payload too long: payload_bytes=%s max=%d"
              .formatted(Long.toUnsignedString(bytes), Limits.PAYLOAD_MAX));
    }
    return (int) bytes;
  }

  private static FrameException refused(String message) {
    return new FrameException(ErrorCode.PROTOCOL, message);
  }
}
