package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// How a buffer is made by whoever has the right to make it, on the connection that has it.
@FunctionalInterface
interface Creation {
  SealedBuffer publish(Session session, Connection side, Publication publication);

  /// From bytes, which are asked for once, however many daemons they are offered to; a small buffer
  /// is then opened where the daemon put it.
  static Creation of(Supplier<byte[]> content) {
    AtomicReference<byte @Nullable []> made = new AtomicReference<>();
    return (session, side, publication) -> {
      byte[] bytes = made.get();
      if (bytes == null) {
        bytes = content.get();
        made.set(bytes);
      }
      MemorySegment data = MemorySegment.ofArray(bytes);
      if (!Publication.isSmall(data.byteSize())) {
        Creation inPlace = of(Shape.bytes(data.byteSize()), memory -> memory.copyFrom(data));
        return inPlace.publish(session, side, publication);
      }
      Deadline deadline = Deadline.after(publication.timeout());
      Publication.Published small =
          publication.putSmall(side, session.uid(), publication.payload(data), deadline);
      return session.opener().inSlab(small.info().name(), small.slab(), small.record(), deadline);
    };
  }

  /// In place.
  static Creation of(Shape shape, Consumer<MemorySegment> fill) {
    return (session, side, publication) -> {
      Deadline deadline = Deadline.after(publication.timeout());
      try (BufferWriter writer = publication.create(side, session.uid(), shape, deadline)) {
        fill.accept(writer.segment());
        return writer.seal();
      }
    };
  }
}
