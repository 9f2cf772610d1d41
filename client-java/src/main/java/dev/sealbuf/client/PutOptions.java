package dev.sealbuf.client;

import dev.sealbuf.protocol.Limits;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;

/// How to publish, beside what and under which name.
///
/// ```java
/// store.put("model", weights, PutOptions.NONE.replacing().withTtl(Duration.ofMinutes(10)));
/// store.put("row", row, PutOptions.NONE.withShape(Shape.of(ElementType.FLOAT32, 3)));
/// ```
///
/// Immutable: every method returns other options.
public final class PutOptions {
  /// Neither replace nor expire nor end with the session nor wait; bytes without metadata.
  public static final PutOptions NONE =
      new PutOptions(
          false, Optional.empty(), false, Optional.empty(), Optional.empty(), new byte[0]);

  private static final Duration TTL_MIN = Duration.ofMillis(1);
  private static final Duration TTL_MAX = Duration.ofMillis(Limits.TTL_MAX);

  private final boolean replace;
  private final Optional<Duration> ttl;
  private final boolean forSession;
  private final Optional<Duration> timeout;
  private final Optional<Shape> shape;
  private final byte[] metadata;

  private PutOptions(
      boolean replace,
      Optional<Duration> ttl,
      boolean forSession,
      Optional<Duration> timeout,
      Optional<Shape> shape,
      byte[] metadata) {
    this.replace = replace;
    this.ttl = ttl;
    this.forSession = forSession;
    this.timeout = timeout;
    this.shape = shape;
    this.metadata = metadata;
  }

  /// The name may be taken by a published buffer, which this one then replaces in one step.
  public PutOptions replacing() {
    return new PutOptions(true, ttl, forSession, timeout, shape, metadata);
  }

  /// The buffer is to live so long, from its publication on.
  ///
  /// @throws InvalidRequestException when that is not 1 ms to 100 years
  public PutOptions withTtl(Duration time) {
    if (time.compareTo(TTL_MIN) < 0 || time.compareTo(TTL_MAX) > 0) {
      throw new InvalidRequestException(
          "a time to live is 1 ms to 100 years: ttl=%s max=%s".formatted(time, TTL_MAX));
    }
    return new PutOptions(replace, Optional.of(time), forSession, timeout, shape, metadata);
  }

  /// The buffer goes as if deleted when its producer does: with the [Sealbuf] that published it, or
  /// its process, however that ends, or when the connection is lost and a new one takes its place.
  public PutOptions untilClosed() {
    return new PutOptions(replace, ttl, true, timeout, shape, metadata);
  }

  /// Waits so long for room in a full store; not at all if that is not positive.
  public PutOptions withTimeout(Duration time) {
    return new PutOptions(replace, ttl, forSession, Optional.of(time), shape, metadata);
  }

  /// The bytes are items of this type and shape; there are as many as it has.
  public PutOptions withShape(Shape items) {
    return new PutOptions(replace, ttl, forSession, timeout, Optional.of(items), metadata);
  }

  /// Bytes that travel with the buffer and mean something to its users only.
  ///
  /// @throws InvalidRequestException when there are more than 65535
  public PutOptions withMetadata(byte[] bytes) {
    if (bytes.length > Limits.METADATA_MAX) {
      throw new InvalidRequestException(
          "too much metadata: metadata_bytes=%d max=%d"
              .formatted(bytes.length, Limits.METADATA_MAX));
    }
    return new PutOptions(replace, ttl, forSession, timeout, shape, bytes.clone());
  }

  public boolean replace() {
    return replace;
  }

  /// Empty: without end.
  public Optional<Duration> ttl() {
    return ttl;
  }

  /// Whether it goes when its producer does.
  public boolean forSession() {
    return forSession;
  }

  /// Empty: not at all.
  public Optional<Duration> timeout() {
    return timeout;
  }

  /// Empty: nothing but bytes.
  public Optional<Shape> shape() {
    return shape;
  }

  /// A copy of the metadata, which may have no bytes.
  public byte[] metadata() {
    return metadata.clone();
  }

  int metadataBytes() {
    return metadata.length;
  }

  OptionalLong ttlMillis() {
    return ttl.isEmpty() ? OptionalLong.empty() : OptionalLong.of(ttl.get().toMillis());
  }

  /// The shape of so many bytes.
  Shape shapeOf(long nbytes) {
    if (shape.isEmpty()) {
      return Shape.bytes(nbytes);
    }
    return shape.get().requireBytes(nbytes);
  }

  @Override
  public String toString() {
    return "PutOptions[replace=%s ttl=%s for_session=%s timeout=%s shape=%s metadata_bytes=%d]"
        .formatted(
            replace,
            ttl.map(Duration::toString).orElse("-"),
            forSession,
            timeout.map(Duration::toString).orElse("-"),
            shape.map(Shape::toString).orElse("-"),
            metadata.length);
  }
}
