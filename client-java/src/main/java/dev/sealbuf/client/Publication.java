package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/// One publication: under which name, on which terms, and on which connection. Small buffers travel
/// with the request, large ones are written where they will be read.
///
/// @param reservation of the name, of the same connection
/// @param timeout of each request after the first
record Publication(
    Optional<String> name, OptionalLong reservation, PutOptions options, Duration timeout) {
  /// Where a buffer of the publishing process can be read.
  ///
  /// @param slab of the record, which lies at byte `record`
  record Published(BufferInfo info, long slab, long record) {}

  static boolean isSmall(long nbytes) {
    return nbytes <= Limits.PUT_MAX;
  }

  /// The bytes for a put's frame: metadata and data, or the data where it is if it is alone.
  ByteBuffer payload(MemorySegment data) {
    return options.metadataBytes() == 0
        ? Views.payload(data)
        : Views.payload(options.metadata(), data);
  }

  /// Sends a [#payload], which is written once however often the request is made.
  Published putSmall(Connection connection, long uid, ByteBuffer payload, Deadline deadline) {
    int metadataBytes = options.metadataBytes();
    Shape shape = options.shapeOf(payload.remaining() - metadataBytes);
    try (Answer answer =
        connection.call(
            seq ->
                new Request.Put(
                    seq,
                    name,
                    reservation,
                    options.replace(),
                    options.ttlMillis(),
                    shape.description(),
                    metadataBytes == 0 ? OptionalLong.empty() : OptionalLong.of(metadataBytes),
                    payload),
            deadline)) {
      Reply.Published published = answer.expect(Reply.Published.class, 0);
      return new Published(
          BufferInfo.of(published, shape, uid), published.slab(), published.record());
    }
  }

  BufferWriter create(Connection connection, long uid, Shape shape, Deadline deadline) {
    return create(connection, uid, shape, deadline, () -> timeout);
  }

  private BufferWriter create(
      Connection connection,
      long uid,
      Shape shape,
      Deadline deadline,
      Supplier<Duration> timeoutOfSeal) {
    byte[] metadata = options.metadata();
    try (Answer answer =
        connection.call(
            seq ->
                new Request.Create(
                    seq,
                    name,
                    shape.nbytes(),
                    reservation,
                    options.replace(),
                    options.ttlMillis(),
                    false,
                    shape.description(),
                    ByteBuffer.wrap(metadata)),
            deadline)) {
      return BufferWriter.map(
          new BufferWriter.Lender(connection, uid, timeoutOfSeal.get()), answer, shape, metadata);
    }
  }

  /// Copies memory to where readers will find it. How long that takes is not the daemon's time.
  SealedBuffer putLarge(Connection connection, long uid, MemorySegment data, Deadline deadline) {
    Shape shape = options.shapeOf(data.byteSize());
    try (BufferWriter writer = create(connection, uid, shape, deadline, deadline::left)) {
      writer.segment().copyFrom(data);
      return writer.seal();
    }
  }
}
