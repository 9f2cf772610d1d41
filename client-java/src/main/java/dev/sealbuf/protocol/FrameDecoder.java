package dev.sealbuf.protocol;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.IntPredicate;

/// Bytes in, frames out, however the bytes are cut.
///
/// ```java
/// for (Optional<Frame> f = decoder.next(in); f.isPresent(); f = decoder.next(in)) handle(f.get());
/// ```
///
/// What it holds is bounded by one frame: 16 bytes until the prefix has passed its checks, then one
/// array of exactly the length stated there. A daemon with many connections bounds their sum as
/// well: it is asked before the array is made. After a [FrameException] the stream is out of step
/// and the decoder refuses to go on. One decoder a connection, one thread at a time.
public final class FrameDecoder {
  private final int descriptorsMax;
  private final IntPredicate memory;
  private final ByteBuffer prefixBytes = ByteBuffer.allocate(Prefix.BYTES);
  private Prefix prefix = NONE;
  private ByteBuffer body = NO_BODY;
  private boolean broken;

  private static final Prefix NONE = new Prefix(0, 0, 0);
  private static final ByteBuffer NO_BODY = ByteBuffer.allocate(0);

  private FrameDecoder(int descriptorsMax, IntPredicate memory) {
    this.descriptorsMax = descriptorsMax;
    this.memory = memory;
  }

  /// The daemon's side: frames must not state descriptors.
  public static FrameDecoder ofRequests() {
    return ofRequests(_ -> true);
  }

  /// The same.
  ///
  /// @param memory whether so many bytes may be allocated now; as long as not, [#next] stops after
  ///   the prefix
  public static FrameDecoder ofRequests(IntPredicate memory) {
    return new FrameDecoder(0, memory);
  }

  /// A client's side.
  public static FrameDecoder ofReplies() {
    return new FrameDecoder(Limits.DESCRIPTORS_MAX, _ -> true);
  }

  /// Takes bytes until a frame is complete or none are left; empty means that more are needed.
  public Optional<Frame> next(ByteBuffer in) throws FrameException {
    if (broken) {
      throw new FrameException(ErrorCode.PROTOCOL, "stream is out of step after a bad frame");
    }
    try {
      boolean complete = readPrefix(in) && hasBody() && transfer(in, body);
      return complete ? Optional.of(takeFrame()) : Optional.empty();
    } catch (FrameException e) {
      broken = true;
      throw e;
    }
  }

  /// Whether no byte of an unfinished frame is held.
  public boolean isIdle() {
    return prefixBytes.position() == 0;
  }

  /// Bytes that are missing to the frame under way, once there is memory for it; 0 before.
  public int missing() {
    return body.remaining();
  }

  private boolean readPrefix(ByteBuffer in) throws FrameException {
    if (!prefixBytes.hasRemaining()) {
      return true;
    }
    boolean complete = transfer(in, prefixBytes);
    Prefix.checkStart(prefixBytes, prefixBytes.position());
    if (complete) {
      prefix = Prefix.check(prefixBytes, descriptorsMax);
    }
    return complete;
  }

  private boolean hasBody() {
    int bytes = prefix.headBytes() + prefix.payloadBytes();
    if (body.capacity() < bytes && memory.test(bytes)) {
      body = ByteBuffer.allocate(bytes);
    }
    return body.capacity() == bytes;
  }

  private Frame takeFrame() {
    ByteBuffer head = body.slice(0, prefix.headBytes());
    ByteBuffer payload = body.slice(prefix.headBytes(), prefix.payloadBytes());
    body = NO_BODY;
    prefixBytes.clear();
    return new Frame(prefix.descriptors(), head, payload);
  }

  private static boolean transfer(ByteBuffer from, ByteBuffer to) {
    int length = Math.min(from.remaining(), to.remaining());
    to.put(to.position(), from, from.position(), length);
    to.position(to.position() + length);
    from.position(from.position() + length);
    return !to.hasRemaining();
  }
}
