package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.NameList;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/// A store of immutable buffers, shared with other processes by a daemon.
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
/// one round trip to the daemon, two for what is written in place. A put of more than 256 KiB takes
/// two as well, but who puts one size again and again is lent the memory for the next along with
/// the reply to the last: then one is enough. That memory goes back when another size is put,
/// nothing is for about a second, or the store is closed.
///
/// What the bytes are travels with them: see [Shape] and [PutOptions]. A loop that reads one name
/// again and again uses a [#view(String)].
///
/// **Time.** Every call keeps within the timeout given at connect, or its own where it takes one. A
/// timeout that is not positive does not wait.
///
/// **Threads.** For many at once: reads go side by side, round trips take turns, and who waits for
/// a buffer or for room holds up nobody.
///
/// **Another daemon.** When the daemon is gone, a call connects to the next one, within its
/// deadline. The old one's names do not answer any more; buffers that are open stay readable. See
/// [DisconnectedException] for what is not repeated.
public final class Sealbuf extends Publishing implements AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final String NAMESPACE = "default";

  private final Session.Address address;
  private final Duration timeout;
  private final Sessions sessions;
  private final Set<Watch> watches = ConcurrentHashMap.newKeySet();

  private Sealbuf(Session.Address address, Sessions sessions, Duration timeout) {
    super(new Publisher(sessions, timeout));
    this.address = address;
    this.sessions = sessions;
    this.timeout = timeout;
  }

  /// Connects to the socket that [SocketPath] names.
  public static Sealbuf connect() {
    return connect(SocketPath.resolve());
  }

  public static Sealbuf connect(Path socket) {
    return connect(socket, TIMEOUT);
  }

  /// Connects; `timeout` is the deadline of connecting and of every call that takes no other.
  ///
  /// @throws NoDaemonException when nobody listens there
  /// @throws NotPermittedException when this uid may not connect
  public static Sealbuf connect(Path socket, Duration timeout) {
    return connect(socket, NAMESPACE, timeout);
  }

  /// Connects to a namespace, a store of its own among those of the daemon; `default` is always
  /// there.
  ///
  /// @throws NotPermittedException when it is not there, or not open to this uid
  public static Sealbuf connect(Path socket, String namespace, Duration timeout) {
    Session.Address address = new Session.Address(socket, namespace);
    return new Sealbuf(address, Sessions.open(address, Deadline.after(timeout)), timeout);
  }

  /// The buffer of a name.
  ///
  /// @throws NotFoundException when there is none
  public SealedBuffer get(String name) {
    SealedBuffer again = sessions.current().opener().getAgain(name);
    return again != null ? again : get(name, Checked.utf8(name), deadline());
  }

  /// The buffer of a name, as soon as there is one; a `timeout` that is not positive does not wait.
  ///
  /// @throws TimeoutException when there is none in time
  /// @throws NotFoundException when there is none and it does not wait
  public SealedBuffer get(String name, Duration timeout) {
    return timeout.isPositive()
        ? await(name, OptionalLong.empty(), Deadline.after(timeout))
        : get(name);
  }

  /// The buffer of a name, if its version is greater than `version`.
  ///
  /// @throws NotFoundException when there is none
  public SealedBuffer getNewer(String name, long version) {
    byte[] utf8 = Checked.utf8(name);
    Deadline deadline = deadline();
    return sessions
        .read(
            deadline,
            session -> session.waiting().getNow(name, utf8, OptionalLong.of(version), deadline))
        .orElseThrow(() ->
            new NotFoundException(
                "no newer buffer: name=%s newer_than=%d".formatted(name, version)));
  }

  /// The buffer of a name, as soon as there is one of a version greater than `version`.
  ///
  /// @throws TimeoutException when there is none in time
  public SealedBuffer getNewer(String name, long version, Duration timeout) {
    return timeout.isPositive()
        ? await(name, OptionalLong.of(version), Deadline.after(timeout))
        : getNewer(name, version);
  }

  /// The buffers of all these names.
  ///
  /// @throws NotFoundException at the first name that is not there
  public Map<String, SealedBuffer> getMany(Collection<String> names) {
    return getMany(names, Duration.ZERO);
  }

  /// The buffers of all these names, as soon as all of them are there.
  ///
  /// @throws TimeoutException when one is not there in time
  public Map<String, SealedBuffer> getMany(Collection<String> names, Duration timeout) {
    Deadline end = Deadline.after(timeout);
    Map<String, SealedBuffer> found = new LinkedHashMap<>();
    try {
      for (String name : names) {
        found.computeIfAbsent(name, each -> get(each, end.left()));
      }
      return found;
    } catch (RuntimeException | Error e) {
      found.values().forEach(SealedBuffer::close);
      throw e;
    }
  }

  /// The buffer of a name, made of `content` if nobody has it and nobody else is making it. Of all
  /// who ask at the same time exactly one makes it; if that fails, the next one does.
  ///
  /// @throws TimeoutException when the one who makes it takes longer than the store's timeout
  public SealedBuffer getOrCreate(String name, Supplier<byte[]> content) {
    return getOrCreate(name, Creation.of(content), timeout);
  }

  /// The same, waiting so long for who makes it.
  public SealedBuffer getOrCreate(String name, Supplier<byte[]> content, Duration timeout) {
    return getOrCreate(name, Creation.of(content), timeout);
  }

  /// The buffer of a name, else one of `nbytes` bytes that `fill` writes in place.
  public SealedBuffer getOrCreate(String name, long nbytes, Consumer<MemorySegment> fill) {
    return getOrCreate(name, Shape.bytes(nbytes), fill);
  }

  /// The buffer of a name, else one of that type and shape that `fill` writes in place.
  public SealedBuffer getOrCreate(String name, Shape shape, Consumer<MemorySegment> fill) {
    return getOrCreate(name, Creation.of(shape, fill), timeout);
  }

  private SealedBuffer getOrCreate(String name, Creation creation, Duration wait) {
    byte[] utf8 = Checked.utf8(name);
    Deadline deadline = Deadline.after(wait);
    return sessions.change(
        deadline,
        session ->
            session
                .waiting()
                .getNow(name, utf8, OptionalLong.empty(), deadline)
                .orElseGet(() -> session.waiting().getOrCreate(name, creation, deadline, timeout)));
  }

  /// Takes a buffer out of the store: of all who take it, exactly one gets it.
  ///
  /// @throws NotFoundException when there is none
  public SealedBuffer take(String name) {
    Checked.name(name);
    Deadline deadline = deadline();
    return sessions.change(deadline, session -> session.waiting().takeNow(name, deadline));
  }

  /// Takes a buffer out of the store as soon as there is one.
  ///
  /// @throws TimeoutException when there is none in time
  public SealedBuffer take(String name, Duration timeout) {
    if (!timeout.isPositive()) {
      return take(name);
    }
    Checked.name(name);
    Deadline deadline = Deadline.after(timeout);
    return sessions.change(deadline, session -> session.waiting().take(name, deadline));
  }

  /// A name to be read again and again without allocation; it shows nothing before its first
  /// refresh.
  public BufferView view(String name) {
    return new BufferView(sessions, name, timeout);
  }

  /// Whether a buffer of that name is published.
  public boolean contains(String name) {
    byte[] utf8 = Checked.utf8(name);
    Deadline deadline = deadline();
    return sessions.read(deadline, session -> session.opener().contains(name, utf8, deadline));
  }

  /// Takes names out of the store, in that order; views of the buffers stay valid.
  ///
  /// @throws NotFoundException at the first name that is not there
  public void delete(String... names) {
    List<String> all = Arrays.stream(names).map(Checked::name).toList();
    for (int from = 0; from < all.size(); from += Limits.BATCH_MAX) {
      delete(all.subList(from, Math.min(from + Limits.BATCH_MAX, all.size())));
    }
  }

  /// All buffers, sorted by the bytes of their names.
  public List<BufferInfo> list() {
    return list("");
  }

  /// All buffers whose name begins with `prefix`, sorted by the bytes of their names.
  public List<BufferInfo> list(String prefix) {
    Checked.prefix(prefix);
    Deadline deadline = deadline();
    return sessions.read(deadline, session -> Listing.buffers(session, prefix, deadline));
  }

  /// The first `limit` of [#list(String)] behind the name `after`.
  public List<BufferInfo> list(String prefix, int limit, String after) {
    return list(prefix).stream()
        .filter(buffer -> Listing.BY_NAME.compare(buffer.name(), after) > 0)
        .limit(limit)
        .toList();
  }

  /// Tells of every change from now on of a name that begins with `prefix`.
  public Watch watch(String prefix) {
    return watch(prefix, false);
  }

  /// Tells of every change of a name that begins with `prefix`.
  ///
  /// @param replay whether what is published already comes first
  public Watch watch(String prefix, boolean replay) {
    sessions.requireOpen();
    Watch watch = Watch.open(address, Checked.prefix(prefix), replay, timeout, watches);
    return sessions.orClose(watch);
  }

  /// Who was handed which segment.
  public List<Holder> holders() {
    return holders(Optional.empty());
  }

  /// Who was handed the bytes of a buffer.
  public List<Holder> holders(String name) {
    return holders(Optional.of(Checked.name(name)));
  }

  private List<Holder> holders(Optional<String> name) {
    Deadline deadline = deadline();
    return sessions.read(deadline, session -> Listing.holders(session, name, deadline));
  }

  /// The daemon's figures.
  public Statistics stats() {
    Reply.Stats stats = ask(Request.Stat::new, Reply.Stats.class);
    return Statistics.of(stats.stats());
  }

  /// How long a round trip to the daemon takes.
  public Duration ping() {
    long start = System.nanoTime();
    ask(Request.Ping::new, Reply.Pong.class);
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /// Version of the daemon.
  public String server() {
    return sessions.current().server();
  }

  /// Ends the connection and all watches; a call that waits in another thread ends with
  /// [ClosedException]. Buffers stay valid; what was created and not sealed is gone. Does nothing
  /// when this is closed already.
  @Override
  public void close() {
    sessions.close();
    List.copyOf(watches).forEach(Watch::close);
  }

  private SealedBuffer get(String name, byte[] utf8, Deadline deadline) {
    return sessions.read(deadline, session -> session.opener().get(name, utf8, deadline));
  }

  private SealedBuffer await(String name, OptionalLong newer, Deadline deadline) {
    byte[] utf8 = Checked.utf8(name);
    return sessions.read(deadline, session -> session.waiting().get(name, utf8, newer, deadline));
  }

  private void delete(List<String> names) {
    Deadline deadline = deadline();
    if (names.size() == 1) {
      String name = names.getFirst();
      change(deadline, seq -> new Request.Delete(seq, name), Reply.Deleted.class);
    } else {
      ByteBuffer payload = NameList.write(names);
      change(
          deadline,
          seq -> new Request.DeleteMany(seq, names.size(), payload),
          Reply.DeletedMany.class);
    }
  }

  private <R extends Reply> void change(
      Deadline deadline, LongFunction<Request> request, Class<R> reply) {
    sessions.change(deadline, session -> session.ask(request, reply, deadline));
  }

  private <R extends Reply> R ask(LongFunction<Request> request, Class<R> reply) {
    Deadline deadline = deadline();
    return sessions.read(deadline, session -> session.ask(request, reply, deadline));
  }

  private Deadline deadline() {
    return Deadline.after(timeout);
  }

  /// For tests of what users do not see.
  Session session() {
    return sessions.current();
  }

  @Override
  public String toString() {
    return "Sealbuf[%s]".formatted(sessions.current());
  }
}
