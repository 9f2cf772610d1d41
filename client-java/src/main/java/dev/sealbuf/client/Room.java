package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;

/// Publishes when the store has room for it.
///
/// The daemon refuses what does not fit at once. Who wants to wait asks to be told of room, on a
/// connection beside, and then tries again. Another may have been faster, so pauses grow between
/// the attempts, up to the deadline; then the refusal stands.
final class Room {
  private final Sessions sessions;
  private final Duration timeout;

  /// @param timeout of a call that does not wait for room
  Room(Sessions sessions, Duration timeout) {
    this.sessions = sessions;
    this.timeout = timeout;
  }

  /// Makes a call that takes so many bytes of the store.
  <R> R use(long nbytes, PutOptions options, Function<Deadline, R> call) {
    Optional<Duration> wait = options.timeout().filter(Duration::isPositive);
    Deadline deadline = Deadline.after(wait.orElse(timeout));
    if (wait.isEmpty()) {
      return call.apply(deadline);
    }
    Backoff backoff = new Backoff();
    while (true) {
      try {
        return call.apply(deadline);
      } catch (StoreFullException e) {
        await(nbytes, deadline, e);
      }
      backoff.pause(deadline);
    }
  }

  private void await(long nbytes, Deadline deadline, StoreFullException refusal) {
    if (deadline.hasPassed() || refusal instanceof TooManyMappingsException) {
      throw refusal;
    }
    try {
      sessions.read(deadline, session -> ask(session, nbytes, deadline));
    } catch (TimeoutException _) {
      throw refusal;
    }
  }

  /// A small buffer takes a slab when there is none with room in it.
  private static Reply ask(Session session, long nbytes, Deadline deadline) {
    long taken = Publication.isSmall(nbytes) ? RecordLayout.SLAB_BYTES : nbytes;
    return session
        .sides()
        .with(
            deadline,
            side -> {
              try (Answer answer =
                  side.call(
                      seq -> new Request.AwaitRoom(seq, taken, SideConnections.timeout(deadline)),
                      SideConnections.patience(deadline))) {
                return answer.expect(Reply.Room.class, 0);
              }
            });
  }
}
