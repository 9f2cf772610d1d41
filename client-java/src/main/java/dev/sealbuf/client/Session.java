package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/// All that belongs to one daemon, from hello to its end: connection, catalog, mapped segments, and
/// the connections beside that wait. It is exchanged as a whole when the daemon is ([Sessions]), so
/// nothing of an old daemon can answer for a new one. Buffers do not belong to it.
final class Session implements AutoCloseable {
  private static final String CLIENT = "sealbuf-java/0.1.0-SNAPSHOT";

  private final Connection connection;
  private final Reply.Welcome welcome;
  private final SegmentCache segments;
  private final CatalogReader catalog;
  private final BufferOpener opener;
  private final SideConnections sides;
  private final Waiting waiting;

  /// Where to connect, and to what.
  record Address(Path socket, String namespace) {
    /// Connects and says hello.
    ///
    /// @param room bytes received at once
    Greeting greet(long room, Deadline deadline) {
      Connection connection = Connection.open(socket, room, deadline);
      try {
        Answer answer = connection.call(seq -> new Request.Hello(seq, namespace, CLIENT), deadline);
        return new Greeting(connection, answer, answer.expect(Reply.Welcome.class, 1));
      } catch (RuntimeException | Error e) {
        connection.close();
        throw e;
      }
    }
  }

  /// A connection that has said hello, and what it heard.
  record Greeting(Connection connection, Answer answer, Reply.Welcome welcome) {}

  private Session(Address address, Greeting greeting, SharedMapping first) {
    this.connection = greeting.connection;
    this.welcome = greeting.welcome;
    this.segments = new SegmentCache(connection, welcome.catalog(), first);
    this.catalog = new CatalogReader(segments, Reaper::wake);
    this.opener = new BufferOpener(connection, segments, catalog);
    this.sides = new SideConnections(address, welcome.daemon());
    this.waiting = new Waiting(this);
  }

  /// @throws NoDaemonException when nobody listens there
  static Session open(Address address, Deadline deadline) {
    Greeting greeting = address.greet(Connection.WHOLE_FRAMES, deadline);
    try (Answer answer = greeting.answer) {
      Session session = new Session(address, greeting, mapFirst(greeting.welcome, answer));
      Reaper.watch(session);
      return session;
    } catch (RuntimeException | Error e) {
      greeting.connection.close();
      throw e;
    }
  }

  /// The first catalog segment, which is that of the daemon that answered.
  private static SharedMapping mapFirst(Reply.Welcome welcome, Answer answer) {
    Fd fd = answer.descriptors().getFirst();
    SharedMapping first = SharedMapping.map(fd, welcome.catalogBytes());
    first.release(); // the session keeps it by not letting go of it
    try {
      check(first.segment(), welcome);
      return first;
    } catch (RuntimeException e) {
      first.letGo();
      throw e;
    }
  }

  private static void check(MemorySegment header, Reply.Welcome welcome) {
    try {
      HeaderLayout.check(header);
    } catch (LayoutException e) {
      throw new WrongVersionException(e.getMessage());
    }
    String daemon = "%016x".formatted(HeaderLayout.daemon(header));
    if (!daemon.equals(welcome.daemon())) {
      throw new ProtocolException(
          "catalog of another daemon: daemon=%s expected=%s".formatted(daemon, welcome.daemon()));
    }
  }

  Answer call(LongFunction<Request> request, Deadline deadline) {
    return connection.call(request, deadline);
  }

  /// Makes a request whose reply is all that comes back.
  <R extends Reply> R ask(LongFunction<Request> request, Class<R> reply, Deadline deadline) {
    try (Answer answer = connection.call(request, deadline)) {
      return answer.expect(reply, 0);
    }
  }

  Connection connection() {
    return connection;
  }

  /// For tests of what is kept of a session.
  SegmentCache segments() {
    return segments;
  }

  BufferOpener opener() {
    return opener;
  }

  SideConnections sides() {
    return sides;
  }

  Waiting waiting() {
    return waiting;
  }

  /// The uid of this process, as the daemon sees it.
  long uid() {
    return welcome.uid();
  }

  /// Version of the daemon.
  String server() {
    return welcome.server();
  }

  boolean isSameDaemon(Session other) {
    return welcome.daemon().equals(other.welcome.daemon());
  }

  /// Whether a table word of a name's hash is what it was; allocates nothing.
  boolean isCurrent(int hash, long word) {
    return catalog.isCurrent(hash, word);
  }

  /// Whether the daemon or the connection to it is gone.
  boolean isGone() {
    return !connection.isOpen() || !catalog.isAlive();
  }

  /// What the reaper does: lets go of what is retired or was lent and is not used. A daemon that is
  /// gone retires everything.
  void tidy() {
    try {
      if (isGone()) {
        lose();
      } else {
        segments.letGoOfRetired();
        connection.tidy();
      }
    } catch (IllegalStateException _) {
      // The session was ended by another thread meanwhile.
    }
  }

  /// Makes a call, and ends the session if what comes back cannot be trusted.
  <R> R guard(Supplier<R> call) {
    try {
      return call.get();
    } catch (ProtocolException e) {
      lose();
      throw e;
    }
  }

  /// Ends a session whose daemon is gone.
  void lose() {
    connection.lose();
    end();
  }

  @Override
  public void close() {
    connection.close();
    end();
  }

  private void end() {
    sides.close();
    segments.close();
    Reaper.forget(this);
  }

  @Override
  public String toString() {
    return "session=%d daemon=%s".formatted(welcome.session(), welcome.daemon());
  }
}
