package dev.sealbuf.protocol;

import java.nio.ByteBuffer;

/// What is sent at once: a head, raw bytes behind it, and the number of descriptors beside it. The
/// descriptors themselves never come here.
///
/// Head and payload are read-only from position to limit; nobody moves their positions.
public record Frame(int descriptors, ByteBuffer head, ByteBuffer payload) {
  private static final ByteBuffer EMPTY = ByteBuffer.allocate(0).asReadOnlyBuffer();

  public Frame {
    head = head.asReadOnlyBuffer();
    payload = payload.asReadOnlyBuffer();
  }

  /// A frame without payload.
  public static Frame of(int descriptors, ByteBuffer head) {
    return new Frame(descriptors, head, EMPTY);
  }

  /// Length of the frame without its prefix.
  public int bodyBytes() {
    return head.remaining() + payload.remaining();
  }

  /// Prefix and head; the payload follows as it is, so that nobody has to copy it.
  public ByteBuffer start() {
    ByteBuffer out = ByteBuffer.allocate(Prefix.BYTES + head.remaining());
    prefix().put(out);
    return out.put(head.duplicate()).flip();
  }

  /// The whole frame in one piece.
  public ByteBuffer encode() {
    ByteBuffer out = ByteBuffer.allocate(prefix().frameBytes());
    prefix().put(out);
    return out.put(head.duplicate()).put(payload.duplicate()).flip();
  }

  private Prefix prefix() {
    return new Prefix(descriptors, head.remaining(), payload.remaining());
  }
}
