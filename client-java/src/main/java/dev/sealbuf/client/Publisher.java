package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// What a store's put, create and putMany do, whichever daemon is there and once there is room.
final class Publisher {
  private final Sessions sessions;
  private final Duration timeout;
  private final Room room;

  /// @param timeout of every request that has no other
  Publisher(Sessions sessions, Duration timeout) {
    this.sessions = sessions;
    this.timeout = timeout;
    this.room = new Room(sessions, timeout);
  }

  BufferInfo put(Optional<String> name, MemorySegment data, PutOptions options) {
    Shape shape = options.shapeOf(data.byteSize()); // may refuse, before the daemon is asked
    Publication publication = publication(name, options);
    return room.use(
        data.byteSize(),
        options,
        Publication.isSmall(data.byteSize())
            ? deadline -> putSmall(publication, publication.payload(data), deadline)
            : deadline -> putLarge(new LargePut(publication, shape, data), deadline));
  }

  private BufferInfo putSmall(Publication publication, ByteBuffer payload, Deadline deadline) {
    return sessions.change(
        deadline,
        session ->
            publication.putSmall(session.connection(), session.uid(), payload, deadline).info());
  }

  private BufferInfo putLarge(LargePut put, Deadline deadline) {
    return sessions.change(
        deadline, session -> put.publish(session.connection(), session.uid(), deadline));
  }

  BufferWriter create(Optional<String> name, long nbytes, PutOptions options) {
    if (nbytes < 0) {
      throw new InvalidRequestException("a length is not negative: nbytes=" + nbytes);
    }
    return create(name, options.shapeOf(nbytes), options);
  }

  BufferWriter create(Optional<String> name, Shape shape, PutOptions options) {
    Publication publication = publication(name, options);
    return room.use(
        shape.nbytes(),
        options,
        deadline ->
            sessions.change(
                deadline,
                session ->
                    publication.create(session.connection(), session.uid(), shape, deadline)));
  }

  List<BufferInfo> putMany(Collection<BatchItem> items, PutOptions options) {
    if (items.isEmpty()) {
      return List.of();
    }
    Batch batch = Batch.of(items, options);
    return room.use(
        batch.nbytes(),
        options,
        deadline -> sessions.change(deadline, session -> batch.publish(session, deadline)));
  }

  private Publication publication(Optional<String> name, PutOptions options) {
    return new Publication(name, OptionalLong.empty(), options, timeout);
  }
}
