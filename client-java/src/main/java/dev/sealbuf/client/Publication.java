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
                    options.forSession(),
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
    try (Answer answer = lend(connection, shape, deadline)) {
      BufferWriter.Lender lender = new BufferWriter.Lender(connection, uid, timeout);
      return BufferWriter.map(lender, answer, shape, options.metadata());
    }
  }

  /// Reserves the name and has memory lent for it.
  Answer lend(Connection connection, Shape shape, Deadline deadline) {
    return connection.call(
        seq ->
            new Request.Create(
                seq,
                name,
                shape.nbytes(),
                reservation,
                options.replace(),
                options.ttlMillis(),
                options.forSession(),
                false,
                shape.description(),
                ByteBuffer.wrap(options.metadata())),
        deadline);
  }

  /// The request that publishes a spare; it says what a create would have said.
  ///
  /// @param next size of another spare
  Request sealSpare(long seq, long spare, Shape shape, OptionalLong next) {
    return new Request.SealSpare(
        seq,
        spare,
        name,
        shape.nbytes(),
        options.replace(),
        options.ttlMillis(),
        options.forSession(),
        next,
        shape.description(),
        ByteBuffer.wrap(options.metadata()));
  }
}
