package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Events of all names that begin with a prefix, in the order in which they happened.
///
/// ```java
/// try (Watch watch = store.watch("batch/", true)) {
///   for (Event event : watch) {
///     ...
///   }
/// }
/// ```
///
/// A watch has a connection of its own. When the daemon is gone it connects to the next one and
/// tells so by an overflow, after which a replay, if it was asked for, begins anew. For one thread
/// at a time, but any may close it, which ends the waiting.
public final class Watch implements Iterable<Event>, AutoCloseable {
  private static final Duration FOREVER = Duration.ofDays(365);
  private static final Duration ATTEMPT_MIN = Duration.ofMillis(100);

  private final Session.Address address;
  private final String prefix;
  private final boolean replay;
  private final Duration timeout;
  private final Set<Watch> siblings;
  private volatile @Nullable Connection connection;
  private volatile boolean closed;

  /// Until when another daemon is waited for; null while there is one.
  private @Nullable Deadline patience;

  private Watch(
      Session.Address address,
      String prefix,
      boolean replay,
      Duration timeout,
      Set<Watch> siblings) {
    this.address = address;
    this.prefix = prefix;
    this.replay = replay;
    this.timeout = timeout;
    this.siblings = siblings;
  }

  /// @param timeout of connecting, now and whenever the daemon is gone
  /// @param siblings all open watches of the store, which closes them when it is closed
  static Watch open(
      Session.Address address,
      String prefix,
      boolean replay,
      Duration timeout,
      Set<Watch> siblings) {
    Watch watch = new Watch(address, prefix, replay, timeout, siblings);
    watch.connect(Deadline.after(timeout));
    siblings.add(watch);
    return watch;
  }

  private void connect(Deadline deadline) {
    Session.Greeting greeting = address.greet(Connection.SHORT_FRAMES, deadline);
    greeting.answer().close();
    Connection listening = greeting.connection();
    try (Answer answer = listening.call(seq -> new Request.Watch(seq, prefix, replay), deadline)) {
      answer.expect(Reply.Watching.class, 0);
    } catch (RuntimeException | Error e) {
      listening.close();
      throw e;
    }
    connection = listening;
    patience = null;
    if (closed) {
      listening.close();
    }
  }

  /// The next event, however long it takes.
  ///
  /// @throws ClosedException when this is closed
  /// @throws NoDaemonException when the daemon is gone and none comes within the store's timeout
  public Event next() {
    Optional<Event> event = next(FOREVER);
    while (event.isEmpty()) {
      event = next(FOREVER);
    }
    return event.get();
  }

  /// The next event; empty when there is none in time.
  ///
  /// @throws ClosedException when this is closed
  /// @throws NoDaemonException when the daemon is gone and none comes within the store's timeout
  public Optional<Event> next(Duration wait) {
    Deadline deadline = Deadline.after(wait);
    Connection listening = connection;
    if (listening == null) {
      return reconnect(deadline);
    }
    try (Answer answer = listening.listen(deadline)) {
      return Optional.of(Event.of(answer.expect(Reply.Event.class, 0)));
    } catch (TimeoutException _) {
      return Optional.empty();
    } catch (ClosedException _) {
      throw closed();
    } catch (DisconnectedException _) {
      connection = null;
      patience = Deadline.after(timeout);
      return reconnect(deadline);
    } catch (ProtocolException e) {
      listening.lose();
      throw e;
    }
  }

  private Optional<Event> reconnect(Deadline deadline) {
    Backoff backoff = new Backoff();
    while (!closed) {
      try {
        connect(attempt(deadline));
        return Optional.of(Event.overflow());
      } catch (DisconnectedException | TryAgainException | TimeoutException e) {
        if (patience != null && patience.hasPassed()) {
          patience = Deadline.after(timeout);
          throw e;
        }
      }
      if (deadline.hasPassed()) {
        return Optional.empty();
      }
      backoff.pause(deadline);
    }
    throw closed();
  }

  /// Of one attempt to connect, which gets its time also from who polls.
  private Deadline attempt(Deadline deadline) {
    Duration left = Duration.ofNanos(Math.max(deadline.remaining(), ATTEMPT_MIN.toNanos()));
    return Deadline.after(left.compareTo(timeout) < 0 ? left : timeout);
  }

  private static ClosedException closed() {
    return new ClosedException("the watch is closed");
  }

  /// The events as they come, until this is closed.
  @Override
  public Iterator<Event> iterator() {
    return new Iterator<>() {
      private Optional<Event> ahead = Optional.empty();

      @Override
      public boolean hasNext() {
        try {
          ahead = ahead.isPresent() ? ahead : Optional.of(Watch.this.next());
          return true;
        } catch (ClosedException _) {
          return false;
        }
      }

      @Override
      public Event next() {
        if (!hasNext()) {
          throw new NoSuchElementException("the watch is closed");
        }
        Event event = ahead.get();
        ahead = Optional.empty();
        return event;
      }
    };
  }

  /// Ends the watch and the waiting of whoever waits in it. Does nothing when this is closed
  /// already.
  @Override
  public void close() {
    closed = true;
    siblings.remove(this);
    Connection listening = connection;
    if (listening != null) {
      listening.close();
    }
  }

  @Override
  public String toString() {
    return "Watch[prefix=%s%s]".formatted(prefix, closed ? " closed" : "");
  }
}
