package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.NameException;
import dev.sealbuf.protocol.Names;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.LongFunction;

/// A connection to a store of immutable buffers.
///
/// ```java
/// try (Sealbuf store = Sealbuf.connect()) {
///   store.put("greeting", "hello".getBytes(UTF_8));
///   try (SealedBuffer buffer = store.get("greeting")) {
///     MemorySegment bytes = buffer.segment(); // read-only, shared with every other reader
///   }
/// }
/// ```
///
/// Reading a buffer in a segment that is mapped already takes no system call; everything else is
/// one round trip to the daemon, two for what is written in place. May be used by many threads at
/// once: reads go side by side, round trips take turns. Every call keeps within the timeout given
/// at connect.
public final class Sealbuf implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final String NAMESPACE = "default";
  private static final String CLIENT = "sealbuf-java/0.1.0";

  private final Connection connection;
  private final Duration timeout;
  private final Reply.Welcome welcome;
  private final SegmentCache segments;
  private final CatalogReader catalog;
  private final BufferOpener opener;

  private Sealbuf(Connection connection, String namespace, Duration timeout) {
    this.connection = connection;
    this.timeout = timeout;
    this.segments = new SegmentCache(connection);
    try (Answer answer =
        connection.call(seq -> new Request.Hello(seq, namespace, CLIENT), deadline())) {
      this.welcome = answer.expect(Reply.Welcome.class, 1);
      MemorySegment header =
          segments.add(welcome.catalog(), answer.descriptors().getFirst(), welcome.catalogBytes());
      this.catalog = readCatalog(header, segments);
    }
    requireSameDaemon();
    this.opener = new BufferOpener(connection, segments, catalog);
  }

  /// Connects to the socket that [SocketPath] names.
  public static Sealbuf connect() {
    return connect(SocketPath.resolve());
  }

  public static Sealbuf connect(Path socket) {
    return connect(socket, TIMEOUT);
  }

  /// Connects; `timeout` is the deadline of connecting and of every call.
  ///
  /// @throws NoDaemonException when nobody listens there
  /// @throws NotPermittedException when this uid may not connect
  public static Sealbuf connect(Path socket, Duration timeout) {
    return connect(socket, NAMESPACE, timeout);
  }

  /// Connects to a namespace; there is only `default` as yet.
  public static Sealbuf connect(Path socket, String namespace, Duration timeout) {
    Connection connection = Connection.open(socket, Deadline.after(timeout));
    try {
      return new Sealbuf(connection, namespace, timeout);
    } catch (RuntimeException e) {
      connection.close();
      throw e;
    }
  }

  /// Publishes bytes under a name; they are visible to everybody when this returns.
  public BufferInfo put(String name, byte[] data) {
    return put(name, MemorySegment.ofArray(data));
  }

  /// Publishes what lies between the buffer's position and limit, which do not move.
  public BufferInfo put(String name, ByteBuffer data) {
    return put(name, MemorySegment.ofBuffer(data));
  }

  /// Publishes bytes of any number.
  public BufferInfo put(String name, MemorySegment data) {
    return put(Optional.of(checked(name)), data);
  }

  /// Publishes bytes under a name that the store makes up.
  public BufferInfo put(byte[] data) {
    return put(MemorySegment.ofArray(data));
  }

  /// Publishes what lies between position and limit under a name that the store makes up.
  public BufferInfo put(ByteBuffer data) {
    return put(MemorySegment.ofBuffer(data));
  }

  /// Publishes bytes of any number under a name that the store makes up.
  public BufferInfo put(MemorySegment data) {
    return put(Optional.empty(), data);
  }

  private BufferInfo put(Optional<String> name, MemorySegment data) {
    if (data.byteSize() > Limits.PUT_MAX) {
      try (BufferWriter writer = create(name, data.byteSize())) {
        writer.segment().copyFrom(data);
        try (SealedBuffer sealed = writer.seal()) {
          return sealed.info();
        }
      }
    }
    ByteBuffer payload = Views.payload(data);
    try (Answer answer = call(seq -> new Request.Put(seq, name, payload), deadline())) {
      return info(answer.expect(Reply.Published.class, 0), data.byteSize());
    }
  }

  /// Reserves a name and lends memory to write the buffer in place.
  public BufferWriter create(String name, long nbytes) {
    return create(Optional.of(checked(name)), nbytes);
  }

  /// Lends memory for a buffer under a name that the store makes up.
  public BufferWriter create(long nbytes) {
    return create(Optional.empty(), nbytes);
  }

  private BufferWriter create(Optional<String> name, long nbytes) {
    if (nbytes < 0) {
      throw new InvalidRequestException("a length is not negative: nbytes=" + nbytes);
    }
    try (Answer answer = call(seq -> new Request.Create(seq, name, nbytes), deadline())) {
      return BufferWriter.map(this, answer);
    }
  }

  /// The buffer of a name.
  ///
  /// @throws NotFoundException when there is none
  public SealedBuffer get(String name) {
    requireOpen();
    return opener.get(name, utf8(name), deadline());
  }

  /// Whether a buffer of that name is published.
  public boolean contains(String name) {
    requireOpen();
    return opener.contains(name, utf8(name), deadline());
  }

  /// Takes names out of the store, one after the other; views of the buffers stay valid.
  ///
  /// @throws NotFoundException at the first name that is not there
  public void delete(String... names) {
    for (String name : names) {
      String valid = checked(name);
      try (Answer answer = call(seq -> new Request.Delete(seq, valid), deadline())) {
        answer.expect(Reply.Deleted.class, 0);
      }
    }
  }

  /// All buffers whose name begins with `prefix`, sorted by the bytes of their names.
  public List<BufferInfo> list(String prefix) {
    return Listing.fetch(connection, checkedPrefix(prefix), deadline());
  }

  /// The first `limit` of [#list(String)] behind the name `after`.
  public List<BufferInfo> list(String prefix, int limit, String after) {
    return list(prefix).stream()
        .filter(buffer -> Listing.BY_NAME.compare(buffer.name(), after) > 0)
        .limit(limit)
        .toList();
  }

  /// The daemon's figures.
  public Statistics stats() {
    try (Answer answer = call(Request.Stat::new, deadline())) {
      return Statistics.of(answer.expect(Reply.Stats.class, 0).stats());
    }
  }

  /// How long a round trip to the daemon takes.
  public Duration ping() {
    long start = System.nanoTime();
    try (Answer answer = call(Request.Ping::new, deadline())) {
      answer.expect(Reply.Pong.class, 0);
    }
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /// Version of the daemon.
  public String server() {
    return welcome.server();
  }

  /// Ends the connection; a call that waits in another thread ends with [ClosedException]. Buffers
  /// stay valid; what was created and not sealed is gone. Does nothing when this is closed already.
  @Override
  public void close() {
    connection.close();
    segments.clear();
  }

  Deadline deadline() {
    return Deadline.after(timeout);
  }

  Answer call(LongFunction<Request> request, Deadline deadline) {
    return connection.call(request, deadline);
  }

  void forget(long unfinished) {
    connection.forget(unfinished);
  }

  BufferInfo info(Reply.Published published, long nbytes) {
    return new BufferInfo(
        published.name(),
        published.buffer(),
        published.version(),
        nbytes,
        "B",
        List.of(nbytes),
        welcome.uid(),
        BufferInfo.instant(published.created()));
  }

  private void requireOpen() {
    if (connection.isClosed()) {
      throw new ClosedException("the store is closed");
    }
  }

  private static CatalogReader readCatalog(MemorySegment header, SegmentCache segments) {
    try {
      return new CatalogReader(header, segments);
    } catch (LayoutException e) {
      throw new WrongVersionException(e.getMessage());
    }
  }

  private void requireSameDaemon() {
    String daemon = "%016x".formatted(catalog.daemon());
    if (!daemon.equals(welcome.daemon())) {
      throw new ProtocolException(
          "catalog of another daemon: daemon=%s expected=%s".formatted(daemon, welcome.daemon()));
    }
  }

  private static String checked(String name) {
    utf8(name);
    return name;
  }

  private static byte[] utf8(String name) {
    try {
      return Names.utf8(name);
    } catch (NameException e) {
      throw new InvalidNameException(e.getMessage());
    }
  }

  private static String checkedPrefix(String prefix) {
    try {
      Names.prefix(prefix);
      return prefix;
    } catch (NameException e) {
      throw new InvalidNameException(e.getMessage());
    }
  }

  @Override
  public String toString() {
    return "Sealbuf[session=%d daemon=%s]".formatted(welcome.session(), welcome.daemon());
  }
}
