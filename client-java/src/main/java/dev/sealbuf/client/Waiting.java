package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongFunction;

/// Requests that the daemon parks until they can be met: for a buffer, a newer one, one to take
/// away, or the right to create it. They go over connections beside the session's own
/// ([SideConnections]).
final class Waiting {
  private final Session session;
  private final BufferOpener opener;
  private final SideConnections sides;

  Waiting(Session session) {
    this.session = session;
    this.opener = session.opener();
    this.sides = session.sides();
  }

  /// A buffer of that name and, if `newer` is given, of a greater version; the catalog is looked at
  /// first.
  SealedBuffer get(String name, byte[] utf8, OptionalLong newer, Deadline deadline) {
    Optional<SealedBuffer> now = getNow(name, utf8, newer, deadline);
    if (now.isPresent()) {
      return now.get();
    }
    return park(
        seq ->
            new Request.Open(
                seq, name, OptionalLong.empty(), newer, SideConnections.timeout(deadline)),
        (side, answer, since) -> opened(name, answer, since, deadline),
        deadline);
  }

  /// The buffer as it is now.
  Optional<SealedBuffer> getNow(String name, byte[] utf8, OptionalLong newer, Deadline deadline) {
    try {
      SealedBuffer found = opener.get(name, utf8, deadline);
      if (newer.isEmpty() || found.version() > newer.getAsLong()) {
        return Optional.of(found);
      }
      found.close();
    } catch (NotFoundException _) {
      // Not yet.
    }
    return Optional.empty();
  }

  SealedBuffer take(String name, Deadline deadline) {
    return park(
        seq -> new Request.Take(seq, name, SideConnections.timeout(deadline)),
        (side, answer, since) -> taken(name, answer, since, deadline),
        deadline);
  }

  SealedBuffer takeNow(String name, Deadline deadline) {
    long since = opener.epoch();
    try (Answer answer =
        session.call(seq -> new Request.Take(seq, name, OptionalLong.empty()), deadline)) {
      return taken(name, answer, since, deadline);
    }
  }

  /// The buffer of that name, made by this thread if it is the one to make it.
  ///
  /// @param timeout of each request of the publication, which may begin when `deadline` has passed
  SealedBuffer getOrCreate(String name, Creation creation, Deadline deadline, Duration timeout) {
    return park(
        seq -> new Request.Reserve(seq, name, SideConnections.timeout(deadline)),
        (side, answer, since) ->
            answer.reply() instanceof Reply.Opened
                ? opened(name, answer, since, deadline)
                : create(side, answer.expect(Reply.Reserved.class, 0), creation, timeout),
        deadline);
  }

  /// What is made of an answer while its connection is still lent.
  @FunctionalInterface
  private interface Met {
    SealedBuffer buffer(Connection side, Answer answer, long since);
  }

  /// A request may be parked for a day; who waits longer asks again.
  private SealedBuffer park(LongFunction<Request> request, Met met, Deadline deadline) {
    while (true) {
      try {
        return sides.with(deadline, side -> ask(side, request, met, deadline));
      } catch (TimeoutException e) {
        if (deadline.hasPassed() || Thread.currentThread().isInterrupted()) {
          throw e;
        }
      }
    }
  }

  private SealedBuffer ask(
      Connection side, LongFunction<Request> request, Met met, Deadline deadline) {
    long since = opener.epoch();
    try (Answer answer = side.call(request, SideConnections.patience(deadline))) {
      return met.buffer(side, answer, since);
    }
  }

  private SealedBuffer opened(String name, Answer answer, long since, Deadline deadline) {
    BufferOpener.Place place = BufferOpener.Place.of(answer.expect(Reply.Opened.class));
    return opener.open(name, place, answer, OptionalLong.empty(), since, deadline);
  }

  private SealedBuffer taken(String name, Answer answer, long since, Deadline deadline) {
    BufferOpener.Place place = BufferOpener.Place.of(answer.expect(Reply.Taken.class));
    return opener.open(name, place, answer, OptionalLong.empty(), since, deadline);
  }

  private SealedBuffer create(
      Connection side, Reply.Reserved reserved, Creation creation, Duration timeout) {
    Publication publication =
        new Publication(
            Optional.of(reserved.name()),
            OptionalLong.of(reserved.buffer()),
            PutOptions.NONE,
            timeout);
    try {
      return creation.publish(session, side, publication);
    } catch (RuntimeException | Error e) {
      giveBack(side, reserved, timeout, e);
      throw e;
    }
  }

  /// So that the next who waits may create. If this cannot be said, the connection's end says it.
  private static void giveBack(
      Connection side, Reply.Reserved reserved, Duration timeout, Throwable cause) {
    if (!side.isIdle()) { // which is closed when it is given back
      return;
    }
    try {
      side.call(seq -> new Request.Abort(seq, reserved.buffer()), Deadline.after(timeout)).close();
    } catch (SealbufException e) {
      side.lose();
      cause.addSuppressed(e);
    }
  }
}
