package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/// The session in use, exchanged for another when its daemon is gone.
///
/// A call works on one [Session] from its beginning to its end. When that one turns out to be gone,
/// the call connects anew, with growing pauses until its own deadline, and is made again if that
/// can do no harm:
///
/// | the request | the same daemon again | another daemon |
/// |---|---|---|
/// | only reads | made again | made again |
/// | changes something, surely not received | made again | made again |
/// | changes something, maybe received | [DisconnectedException] | made again: with the old daemon its effect is gone |
///
/// One thread connects, the others wait for it, each until its own deadline.
final class Sessions implements AutoCloseable {
  private final Session.Address address;
  private final ReentrantLock connecting = new ReentrantLock();
  private volatile Session current;
  private volatile boolean closed;

  private Sessions(Session.Address address, Session first) {
    this.address = address;
    this.current = first;
  }

  /// Connects; here nobody is waited for.
  ///
  /// @throws NoDaemonException when nobody listens there
  static Sessions open(Session.Address address, Deadline deadline) {
    return new Sessions(address, Session.open(address, deadline));
  }

  Session current() {
    return current;
  }

  /// Makes a call that only reads.
  <R> R read(Deadline deadline, Function<Session, R> call) {
    Session session = current;
    try {
      return call.apply(session);
    } catch (DisconnectedException e) {
      return again(deadline, call, renewed(session, e, deadline), true);
    } catch (ProtocolException e) {
      session.lose();
      throw e;
    }
  }

  /// Makes a call that changes something.
  <R> R change(Deadline deadline, Function<Session, R> call) {
    return again(deadline, call, current, false);
  }

  private <R> R again(
      Deadline deadline, Function<Session, R> call, Session first, boolean harmless) {
    Backoff backoff = new Backoff();
    Session session = first;
    while (true) {
      Session tried = session;
      try {
        return tried.guard(() -> call.apply(tried));
      } catch (DisconnectedException e) {
        session = renewed(tried, e, deadline);
        if (!harmless && !e.isUnsent() && session.isSameDaemon(tried)) {
          throw e;
        }
        if (session == tried) {
          backoff.pause(deadline); // only a connection beside the session broke
        }
      }
    }
  }

  /// The session to go on with after one failed.
  ///
  /// @throws NoDaemonException when nobody listens by the deadline
  private Session renewed(Session failed, DisconnectedException cause, Deadline deadline) {
    requireOpen();
    if (deadline.hasPassed()) {
      throw cause;
    }
    if (!failed.isGone()) {
      return failed;
    }
    lock(deadline);
    try {
      if (current == failed) {
        failed.lose();
        install(connect(deadline));
      }
      return current;
    } finally {
      connecting.unlock();
    }
  }

  private void lock(Deadline deadline) {
    try {
      if (!connecting.tryLock(deadline.remaining(), TimeUnit.NANOSECONDS)) {
        throw new NoDaemonException("nobody came in time: socket=" + address.socket());
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new TimeoutException("interrupted while waiting for the daemon");
    }
  }

  private Session connect(Deadline deadline) {
    Backoff backoff = new Backoff();
    while (true) {
      requireOpen();
      try {
        return Session.open(address, deadline);
      } catch (DisconnectedException | TryAgainException e) {
        backoff.pause(deadline);
        if (deadline.hasPassed()) {
          throw e;
        }
      }
    }
  }

  /// The closing thread closes what it sees, and this one what comes too late for that.
  private void install(Session session) {
    current = session;
    if (closed) {
      session.close();
      requireOpen();
    }
  }

  /// What was opened beside the sessions, unless these were closed meanwhile, perhaps without it.
  Watch orClose(Watch opened) {
    if (closed) {
      opened.close();
    }
    requireOpen();
    return opened;
  }

  void requireOpen() {
    if (closed) {
      throw new ClosedException("the store is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
    current.close();
  }
}
