package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.Description;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.server.segment.Workers;
import dev.sealbuf.server.watch.Watch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Parts of a store, to be tried one by one on a loop and a clock that the test moves.
final class Parts implements AutoCloseable {
  static final Peer PEER = TestStore.PRODUCER;
  private static final long HEAP_BYTES = 1L << 30;

  final ManualLoop loop = new ManualLoop();
  final Account account;
  final Quota quota = new Quota(Quota.Limits.NONE);
  final Workers workers = new Workers(loop);
  final Watch watch;
  final HeldSegments held;
  final Memory memory;
  final Catalog catalog;
  final PublishedBuffers published;
  final Publisher publisher;
  final SlabWalk walk;
  private final HeapPlaces nothing = new HeapPlaces("forms", 0);
  private long buffers;
  private long segments;

  Parts() {
    this(TestStore.CAPACITY);
  }

  Parts(long capacity) {
    this(capacity, Headroom.unlimited());
  }

  Parts(long capacity, Headroom headroom) {
    account = new Account(capacity, TestStore.SEGMENTS_MAX, headroom);
    try {
      watch = Watch.start(loop);
      Gauges gauges = new Gauges(true, true);
      held = new HeldSegments(account, quota, workers, watch, gauges, loop.clock());
      memory = Memory.begin(account, workers, held, 7);
      catalog = new Catalog(memory.header(), memory.slabs(), memory.tables(), loop, loop.clock());
    } catch (IOException | Refusal e) {
      throw new AssertionError(e);
    }
    published = new PublishedBuffers(catalog, memory.slabs(), memory.dedicated(), quota);
    UnnamedBuffers unnamed = new UnnamedBuffers(published, loop, HEAP_BYTES);
    SessionBuffers ofSessions = new SessionBuffers(published, loop, HEAP_BYTES);
    publisher =
        new Publisher(
            published,
            memory.slabs(),
            memory.dedicated(),
            unnamed,
            ofSessions,
            quota,
            loop.clock(),
            0);
    walk = new SlabWalk(catalog, memory.slabs());
    published.addPlaceListener(memory.dedicated());
  }

  private Claim claim(String name) throws Refusal {
    return new Claim(++buffers, Name.of(name));
  }

  Publication put(String name, int nbytes) throws Refusal {
    return publisher.put(claim(name), PEER, ByteBuffer.allocate(nbytes), Terms.PLAIN);
  }

  Publication put(String name, int nbytes, long ttlMillis) throws Refusal {
    Terms terms = new Terms(false, OptionalLong.of(ttlMillis), OptionalLong.empty());
    return publisher.put(claim(name), PEER, ByteBuffer.allocate(nbytes), terms);
  }

  Publication put(String name, int nbytes, Description description) throws Refusal {
    Form form = new Form(Optional.of(description), ByteBuffer.allocate(0));
    Terms terms = new Terms(false, OptionalLong.empty(), false, OptionalLong.empty(), form);
    return publisher.put(claim(name), PEER, ByteBuffer.allocate(nbytes), terms);
  }

  /// Publishes a segment of its own; what a reader would be given of it.
  Fd publish(String name, long nbytes) throws Refusal, IOException {
    long bytes = DedicatedSegment.bytesFor(nbytes);
    Account.Charge charge = account.charge(Account.Kind.UNFINISHED, bytes);
    DedicatedSegment segment = DedicatedSegment.prepare(++segments, bytes);
    UnfinishedBuffer buffer =
        new UnfinishedBuffer(
            claim(name),
            PEER,
            nbytes,
            Terms.PLAIN,
            false,
            SegmentSupply.Order.of(charge),
            nothing.lease(PEER.uid(), 0));
    buffer.prepared(segment);
    publisher.publish(buffer, nbytes, Form.PLAIN);
    return segment.freshReadOnly();
  }

  void delete(String name) throws Refusal {
    published.delete(PEER, Name.of(name), OptionalLong.empty());
  }

  /// Leads a name to a copy of its record, as compaction does.
  void move(String name) throws Refusal {
    Place from = published.place(Name.of(name));
    Slab old = memory.slabs().get(from.slab());
    Slab to = memory.slabs().withRoomForCopy(old.end(from.offset()) - from.offset());
    Place copy = new Place(to.number(), to.appendCopy(old, from.offset()));
    published.move(published.find(Name.of(name)).orElseThrow(), from, copy);
  }

  boolean exists(String name) throws Refusal {
    return published.contains(Name.of(name));
  }

  /// What a reader would be given of the slab that something was published in.
  Fd slabOf(Publication publication) throws IOException {
    return memory.slabs().get(publication.slab()).freshReadOnly();
  }

  /// Names that are there, in the order of memory.
  List<String> names(List<String> of) {
    return of.stream().filter(this::isThere).toList();
  }

  private boolean isThere(String name) {
    try {
      return exists(name);
    } catch (Refusal e) {
      throw new AssertionError(e);
    }
  }

  /// One that evicts nothing before it is told to.
  Evictor evictor() {
    return new Evictor(account, memory.slabs(), memory.dedicated(), walk, published);
  }

  @Override
  public void close() {
    held.close();
    workers.close();
    memory.close();
    watch.close();
  }
}
