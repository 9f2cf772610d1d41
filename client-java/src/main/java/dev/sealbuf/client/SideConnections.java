package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.Limits;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Connections to the same daemon for requests that it parks, so that a thread that waits holds up
/// no other: the session's own connection goes on with what is answered at once.
///
/// One is borrowed for a wait and given back, a few are kept. One that was left in the middle of a
/// request is closed, and the daemon then drops what it had parked for it. All end with the
/// session.
final class SideConnections implements AutoCloseable {
  /// Idle connections kept, each a session in the daemon's eyes.
  private static final int IDLE_MAX = 4;

  /// What is waited beyond the deadline, as a part of the wait and at least: the daemon answers at
  /// the deadline itself, and what a `take` has taken must not be lost on its way.
  private static final int GRACE_PART = 16;

  private static final long GRACE_MIN = 50_000_000;
  private static final long MILLISECOND = 1_000_000;

  private final Session.Address address;
  private final String daemon;
  private final Deque<Connection> idle = new ArrayDeque<>();
  private final Set<Connection> busy = new HashSet<>();
  private boolean closed;

  SideConnections(Session.Address address, String daemon) {
    this.address = address;
    this.daemon = daemon;
  }

  /// A deadline as a request says it: milliseconds from now.
  static OptionalLong timeout(Deadline deadline) {
    long millis = Math.ceilDiv(deadline.remaining(), MILLISECOND);
    return OptionalLong.of(Math.clamp(millis, 1, Limits.WAIT_MAX));
  }

  /// Until when the answer to a request with that timeout is waited for.
  static Deadline patience(Deadline deadline) {
    long grace = Math.max(deadline.remaining() / GRACE_PART, GRACE_MIN);
    return new Deadline(deadline.nanos() + grace);
  }

  /// Lends a connection to `use`.
  <R> R with(Deadline deadline, Function<Connection, R> use) {
    Connection side = borrow(deadline);
    try {
      return use.apply(side);
    } finally {
      giveBack(side);
    }
  }

  private Connection borrow(Deadline deadline) {
    Connection side = poll();
    return side == null ? lend(open(deadline)) : side;
  }

  private synchronized @Nullable Connection poll() {
    Connection side = idle.poll();
    if (side != null) {
      busy.add(side);
    }
    return side;
  }

  private Connection open(Deadline deadline) {
    Session.Greeting greeting = address.greet(Connection.SHORT_FRAMES, deadline);
    greeting.answer().close();
    if (!greeting.welcome().daemon().equals(daemon)) {
      greeting.connection().close();
      throw DisconnectedException.unsent("another daemon took its place: daemon=" + daemon);
    }
    return greeting.connection();
  }

  private synchronized Connection lend(Connection side) {
    if (closed) {
      side.close();
      throw DisconnectedException.unsent("the daemon is gone: daemon=" + daemon);
    }
    busy.add(side);
    return side;
  }

  private void giveBack(Connection side) {
    boolean usable = side.isIdle();
    synchronized (this) {
      busy.remove(side);
      if (usable && !closed && idle.size() < IDLE_MAX) {
        idle.push(side);
        return;
      }
    }
    side.close();
  }

  /// Ends all; who waits in one sees [DisconnectedException].
  @Override
  public void close() {
    end().forEach(Connection::lose);
  }

  private synchronized Set<Connection> end() {
    closed = true;
    Set<Connection> all = new HashSet<>(busy);
    all.addAll(idle);
    idle.clear();
    return all;
  }
}
