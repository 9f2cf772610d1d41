package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongFunction;

/// A put of data that is too large for a frame: copied to where readers will find it, then sealed.
///
/// By pwrite(2) into a segment of up to one huge page: through a mapping the kernel would give such
/// a segment page by page, and be asked for each. Larger ones are filled through a mapping, in huge
/// pages: pwrite takes a third longer there. Nothing is mapped any more when the seal is asked for.
///
/// The segment comes from a create, or is a spare that came along with the publication before
/// ([Spares]), which makes one round trip of the two.
record LargePut(Publication publication, Shape shape, MemorySegment data) {
  /// One huge page; what is longer is mapped in such pages.
  private static final long WRITTEN_MAX = 2 << 20;

  BufferInfo publish(Connection connection, long uid, Deadline deadline) {
    Optional<Answer> spare = connection.spares().take(shape.nbytes());
    Answer lent = spare.orElseGet(() -> publication.lend(connection, shape, deadline));
    Duration left = deadline.left(); // how long the copy takes is not the daemon's time
    try {
      Reply.Lent loan = fill(lent);
      LongFunction<Request> seal = seal(loan, spare.isPresent(), connection.spares());
      try (Answer answer = connection.call(seal, Deadline.after(left))) {
        return BufferInfo.of(answer.expect(Reply.Published.class, 0), shape, uid);
      }
    } catch (RuntimeException | Error e) {
      lent.lent().ifPresent(connection::forget);
      throw e;
    }
  }

  /// Closes the descriptors too, so that nothing can be mapped through them when it is sealed.
  private Reply.Lent fill(Answer lent) {
    try (lent) {
      Reply.Lent loan = lent.expect(Reply.Lent.class, 2);
      Segments.requireLength(loan);
      Fd writing = lent.descriptors().getFirst();
      if (loan.segmentBytes() <= WRITTEN_MAX) {
        Segments.writeLent(writing, loan.segmentBytes(), data);
      } else {
        fillMapped(writing, loan.segmentBytes());
      }
      return loan;
    }
  }

  private void fillMapped(Fd writing, long bytes) {
    try (Mapping mapping = Segments.mapLent(writing, bytes)) {
      mapping.segment().copyFrom(data);
    }
  }

  private LongFunction<Request> seal(Reply.Lent loan, boolean isSpare, Spares spares) {
    long buffer = loan.buffer();
    return isSpare
        ? seq -> publication.sealSpare(seq, buffer, shape, spares.wanted(shape.nbytes()))
        : seq -> new Request.Seal(seq, buffer, OptionalLong.empty(), spares.wanted(shape.nbytes()));
  }
}
