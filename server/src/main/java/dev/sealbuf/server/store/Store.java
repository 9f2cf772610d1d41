package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.Workers;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import dev.sealbuf.server.watch.Watch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/// Everything the daemon knows, behind one door.
///
/// One thread owns it, the loop's: requests are decided one after the other, each as a whole, and
/// nothing is locked. What takes long happens on [Workers] and comes back as a task of the loop;
/// such requests answer with a stage that completes there.
///
/// ```
///            put, open, map, delete, list           create, seal, abort
///                        |                                  |
///   PublishedBuffers ----+---- Claims ---- UnfinishedBuffers + Lender
///        |         \                                |          |
///     Catalog     Slabs                         Account     SealQueue
/// ```
///
/// A refusal is a [Refusal], thrown or in the stage. Descriptors in an answer are opened in the
/// same turn and belong to the caller.
public final class Store implements AutoCloseable {
  private final StoreConfig config;
  private NamespacePolicy policy;
  private long capacityAsked;
  private final long started;
  private final Account account;
  private final Quota quota;
  private final Workers workers;
  private final Memory memory;
  private final Catalog catalog;
  private final PublishedBuffers published;
  private final Publisher publisher;
  private final Claims claims;
  private final Reservations reservations;
  private final SegmentSupply supply;
  private final Spares spares;
  private final Lender lender;
  private final Waiters waiters;
  private final Rendezvous rendezvous;
  private final Watchers watchers;
  private final Listing listing;
  private final Gauges gauges;
  private final HeldSegments held;
  private final Holds holds;
  private final UnnamedBuffers unnamed;
  private final SessionBuffers ofSessions;
  private final Handouts handouts;
  private final Holders holders;
  private final Room room;
  private final Evictor evictor;
  private final Expiry expiry;

  private Store(
      StoreConfig config,
      ScheduledExecutorService loop,
      Account account,
      Quota quota,
      Workers workers,
      Gauges gauges,
      HeldSegments held,
      Memory memory) {
    this.config = config;
    this.policy = config.policy();
    this.capacityAsked = config.capacityAsked();
    this.started = config.clock().nanos();
    this.account = account;
    this.quota = quota;
    this.workers = workers;
    this.memory = memory;
    long heap = config.heapBytes();
    Executor turns = turnsOf(loop);
    waiters = new Waiters(loop, turns, config.clock(), heap);
    UnfinishedBuffers unfinished = new UnfinishedBuffers(heap, waiters::changed);
    SealQueue seals = new SealQueue(workers, config.clock());
    this.gauges = gauges;
    this.held = held;
    catalog = new Catalog(memory.header(), memory.slabs(), memory.tables(), turns, config.clock());
    published = new PublishedBuffers(catalog, memory.slabs(), memory.dedicated(), quota);
    unnamed = new UnnamedBuffers(published, turns, heap);
    ofSessions = new SessionBuffers(published, turns, heap);
    publisher =
        new Publisher(
            published,
            memory.slabs(),
            memory.dedicated(),
            unnamed,
            ofSessions,
            quota,
            config.clock(),
            started);
    published.addListener(unnamed);
    published.addListener(ofSessions);
    published.addListener(waiters);
    SlabWalk walk = new SlabWalk(catalog, memory.slabs());
    watchers = new Watchers(publisher::version, new Replays(walk, turns), turns);
    published.addListener(watchers);
    handouts = new Handouts(memory, held, heap);
    Ledger ledger = handouts.ledger();
    held.whoHolds(ledger::uids);
    claims = new Claims(published, unfinished, config.random());
    reservations = new Reservations(claims, unfinished);
    rendezvous = new Rendezvous(published, reservations, waiters);
    supply = new SegmentSupply(account, quota, workers, config.clock());
    lender =
        new Lender(
            supply,
            claims,
            reservations,
            published,
            publisher,
            unfinished,
            workers,
            seals,
            held,
            ledger);
    spares = new Spares(account, quota, supply, claims, held, ledger);
    listing = new Listing(walk, publisher);
    var _ = new Compaction(published, memory.slabs(), walk, held, workers, config.clock());
    KeptSegments kept = new KeptSegments(account, workers, ledger, config.segmentsMax());
    holds = new Holds(published, kept, config.clock(), config.random(), loop, heap);
    holders = new Holders(ledger, kept, workers, config.daemonUid(), memory, walk, held);
    room = new Room(account, memory.slabs(), loop, heap);
    evictor = new Evictor(account, memory.slabs(), memory.dedicated(), walk, published);
    catalog.whenShort(evictor::makeRoomForTable);
    expiry = new Expiry(walk, published, config.clock(), started, loop, heap);
    published.addPlaceListener(memory.dedicated());
    published.addPlaceListener(expiry);
    setPolicy(policy);
  }

  /// Makes an empty store. From here on its catalog says that the daemon lives.
  ///
  /// @param loop runs tasks in order on the thread that calls every method of the result
  /// @param watch tells the loop; it ends after the store
  public static Store open(StoreConfig config, ScheduledExecutorService loop, Watch watch)
      throws IOException {
    Account account = new Account(config.capacity(), config.segmentsMax(), config.headroom());
    Quota quota = new Quota(config.quota());
    Workers workers = new Workers(loop);
    try {
      Gauges gauges = Gauges.test();
      HeldSegments held = new HeldSegments(account, quota, workers, watch, gauges, config.clock());
      Memory memory = Memory.begin(account, workers, held, config.random().nextLong());
      return new Store(config, loop, account, quota, workers, gauges, held, memory);
    } catch (Refusal e) {
      throw new IOException("no store can be opened: " + e.getMessage(), e);
    }
  }

  /// Goes on with another capacity, other quotas and another policy.
  ///
  /// @param capacityAsked what it was told to take; more than `capacity` where a control group
  ///   allows less
  public void change(
      long capacity, long capacityAsked, Quota.Limits limits, NamespacePolicy policy) {
    this.capacityAsked = capacityAsked;
    account.limit(capacity);
    quota.limit(limits);
    setPolicy(policy);
  }

  private void setPolicy(NamespacePolicy next) {
    policy = next;
    evictor.enable(next.eviction() == Eviction.OLDEST && gauges.lease());
  }

  /// A timer, not a task: before it the loop looks at its sockets. The task itself is one of the
  /// loop's, which tells of what it throws.
  private static Executor turnsOf(ScheduledExecutorService loop) {
    return task -> {
      var _ = loop.schedule(() -> loop.execute(task), 0, TimeUnit.NANOSECONDS);
    };
  }

  /// A session begins: what it maps first.
  ///
  /// @param client what it calls itself
  public CatalogHandle beginSession(Peer peer, String client) throws Refusal {
    return handouts.begin(peer, client);
  }

  CatalogHandle catalog() throws Refusal {
    return memory.openCatalog();
  }

  /// Publishes a small buffer; without a name under one that is made up.
  public Publication put(Peer peer, Optional<String> name, ByteBuffer payload, Terms given)
      throws Refusal {
    given.form().require(payload.remaining());
    Terms terms = admitted(given, 1);
    Publisher.requireSmall(payload.remaining());
    Optional<UnfinishedBuffer> reserved = reservations.used(peer, name, terms);
    Claim claim = reserved.isPresent() ? reserved.get().claim() : claims.next(peer, name, terms);
    publisher.requireQuota(claim, peer, payload.remaining(), terms);
    evictor.makeRoomInSlabs(payload.remaining() + Evictor.RECORD_BYTES + given.form().bytes());
    Publication publication = publisher.put(claim, peer, payload, terms);
    reserved.ifPresent(reservations::fulfilled);
    return told(publication);
  }

  /// Publishes several small buffers or none.
  ///
  /// @param index their names and lengths, in the order of their bytes
  public BatchPublication putMany(
      Peer peer, List<BatchIndex.Entry> index, ByteBuffer payload, Terms given) throws Refusal {
    Terms terms = admitted(given, index.size());
    Batch.requireLengths(index, payload.remaining());
    List<Claim> named = claims.nextOf(index, peer, terms);
    publisher.requireQuota(named, index, peer, terms);
    evictor.makeRoomInSlabs(payload.remaining() + recordBytes(index));
    return told(publisher.putMany(named, index, peer, payload.slice(), terms));
  }

  /// Who waits for it is told before its producer.
  private <T> T told(T publication) {
    waiters.serveFirst();
    return publication;
  }

  /// Lends a segment for a large buffer and reserves its name.
  public CompletionStage<Loan> create(Peer peer, Optional<String> name, long nbytes, Terms given) {
    try {
      given.form().require(nbytes);
      Terms terms = admitted(given, 1);
      lender.requireAdmissible(peer, name, nbytes, terms);
      requireQuota(peer, nbytes, name.isPresent() ? added(peer, name.get()) : 1);
      makeRoomForSegment(nbytes);
      return lender.create(peer, name, nbytes, terms);
    } catch (Refusal e) {
      return CompletableFuture.failedStage(e);
    }
  }

  /// Lends a segment for several buffers.
  public CompletionStage<Loan> createBatch(Peer peer, long nbytes, Terms given) {
    try {
      Terms terms = admitted(given, Limits.BATCH_MAX);
      lender.requireAdmissible(peer, Optional.empty(), nbytes, terms);
      requireQuota(peer, nbytes, 1);
      makeRoomForSegment(nbytes);
      return lender.createBatch(peer, nbytes, terms);
    } catch (Refusal e) {
      return CompletableFuture.failedStage(e);
    }
  }

  private long added(Peer peer, String name) throws Refusal {
    return published.added(Name.of(name), peer.uid());
  }

  /// Refuses a segment beyond its uid's quota, before anything is evicted for it.
  private void requireQuota(Peer peer, long nbytes, long buffers) throws Refusal {
    quota.require(peer.uid(), DedicatedSegment.bytesFor(nbytes), buffers);
  }

  private void makeRoomForSegment(long nbytes) {
    if (!supply.isAtHand(nbytes)) {
      evictor.makeRoomForSegment(nbytes);
    }
  }

  /// With the namespace's time to live, if it has one and none was given.
  private Terms admitted(Terms given, int buffers) throws Refusal {
    Terms terms = given.withDefault(policy.ttlMillis());
    expiry.requireRoom(terms, buffers);
    return terms;
  }

  /// Publishes what was created, or its first `nbytes`.
  public CompletionStage<Publication> seal(Peer peer, long buffer, OptionalLong nbytes) {
    long recordBytes = Evictor.RECORD_BYTES + lender.formBytes(buffer);
    return roomFor(recordBytes, lender.seal(peer, buffer, nbytes));
  }

  /// Lends a segment for what is published next, if one is at hand.
  public Optional<Loan> lendSpare(Peer peer, long nbytes) {
    return spares.lend(peer, nbytes);
  }

  /// The spare did not reach its producer.
  public void takeBackSpare(Peer peer, long buffer) {
    var _ = spares.abort(peer, buffer);
  }

  /// Publishes the first `nbytes` of a spare.
  public CompletionStage<Publication> sealSpare(
      Peer peer, long buffer, Optional<String> name, long nbytes, Terms given) throws Refusal {
    given.form().require(nbytes);
    Terms terms = admitted(given, 1);
    Spares.Spare spare = spares.require(peer, buffer);
    lender.adopt(peer, spare, name, nbytes, terms);
    spares.used(spare);
    return seal(peer, buffer, OptionalLong.empty());
  }

  /// Publishes the buffers in a segment that was created for several, or none.
  public CompletionStage<BatchPublication> sealMany(
      Peer peer, long buffer, List<BatchIndex.Entry> index) {
    return roomFor(recordBytes(index), lender.sealMany(peer, buffer, index));
  }

  /// For the records of a seal that was not refused: they are written in a later turn.
  private <T> CompletionStage<T> roomFor(long recordBytes, CompletionStage<T> seal) {
    if (!seal.toCompletableFuture().isDone()) {
      evictor.makeRoomInSlabs(recordBytes);
    }
    return seal.thenApply(this::told);
  }

  private static long recordBytes(List<BatchIndex.Entry> index) {
    long described =
        index.stream().flatMap(entry -> entry.description().stream()).mapToLong(Form::bytes).sum();
    return index.size() * Evictor.RECORD_BYTES + described;
  }

  public void abort(Peer peer, long buffer) throws Refusal {
    if (!spares.abort(peer, buffer)) {
      lender.abort(peer, buffer);
    }
  }

  /// The loan did not reach its producer.
  public void takeBack(long buffer) throws Refusal {
    lender.takeBack(buffer);
  }

  /// Finds a buffer for a peer that could not find or map it itself, or waits for it.
  ///
  /// @param slab a slab that the peer has mapped
  /// @param newer only a version greater than this one will do
  /// @param wait how many milliseconds the peer waits
  public CompletionStage<Location> openBuffer(
      Peer peer, String name, OptionalLong slab, OptionalLong newer, OptionalLong wait)
      throws Refusal {
    return rendezvous
        .open(peer, Name.of(name), slab, newer, wait)
        .thenApply(place -> handouts.opened(peer, place));
  }

  /// Finds a buffer for a peer that wants it alone, or waits for it.
  public CompletionStage<Taking> take(Peer peer, String name, OptionalLong wait) throws Refusal {
    return rendezvous
        .take(peer, Name.of(name), wait)
        .thenApply(taking -> {
          handouts.opened(peer, taking.location());
          return taking;
        });
  }

  /// Finds a buffer, or gives the peer the right to create it, or waits for either.
  public CompletionStage<Standing> reserve(Peer peer, String name, OptionalLong wait)
      throws Refusal {
    return rendezvous
        .reserve(peer, Name.of(name), wait)
        .thenApply(standing ->
            standing instanceof Location place ? handouts.opened(peer, place) : standing);
  }

  /// Keeps a buffer openable, whatever happens to its name. Returns the number of the hold.
  public long hold(Peer peer, String name, long buffer) throws Refusal {
    return holds.hold(peer, Name.of(name), buffer);
  }

  /// Finds a buffer by a hold, or by its name while that is its own.
  ///
  /// @param slab a slab that the peer has mapped
  public Opening openHeld(Peer peer, String name, long buffer, long hold, OptionalLong slab)
      throws Refusal {
    Opening opening = holds.open(Name.of(name), buffer, hold, slab);
    handouts.opened(peer, opening.location());
    return opening;
  }

  /// A slab or a catalog segment.
  public SegmentHandle map(Peer peer, long segment) throws Refusal {
    return handouts.map(peer, segment);
  }

  /// Deletes whatever buffer has the name.
  public Deletion delete(Peer peer, String name) throws Refusal {
    return delete(peer, name, OptionalLong.empty());
  }

  /// Deletes the buffer that has the name.
  ///
  /// @param buffer the only one that is to be deleted
  public Deletion delete(Peer peer, String name, OptionalLong buffer) throws Refusal {
    return published.delete(peer, Name.of(name), buffer);
  }

  /// A page of the names with this prefix.
  ///
  /// @param limit most entries, 1 to LIST_MAX
  /// @param cursor 0, or that of the page before
  /// @param until that of the first page
  public Page list(String prefix, int limit, long cursor, OptionalLong until) throws Refusal {
    return listing.page(prefix, limit, cursor, until);
  }

  /// Tells a session of what changes under a prefix from now on.
  ///
  /// @param replay whether it is told of what is published already
  public Watcher watch(Peer peer, String prefix, boolean replay, Watcher.Sink sink) throws Refusal {
    return watchers.add(peer, prefix, replay, sink);
  }

  /// Requests that are parked.
  public long waiting() {
    return waiters.count();
  }

  /// Sessions that watch.
  public long watchers() {
    return watchers.count();
  }

  /// Of the last publication.
  public long version() {
    return publisher.version();
  }

  /// Answers when there is room for so many bytes more.
  ///
  /// @param wait for how many milliseconds at most; 0: not at all
  public CompletionStage<Long> awaitRoom(Peer peer, long nbytes, long wait) {
    try {
      quota.require(
          peer.uid(), nbytes > Limits.PUT_MAX ? DedicatedSegment.bytesFor(nbytes) : nbytes, 0);
    } catch (Refusal e) {
      return CompletableFuture.failedStage(e);
    }
    evictor.makeRoomForSegment(nbytes);
    return room.await(peer, nbytes, wait);
  }

  /// Who was handed which segment.
  ///
  /// @param name only who has this buffer's bytes
  /// @param cursor 0, or that of the page before
  public CompletionStage<Holdings> holders(Optional<String> name, long cursor) throws Refusal {
    return name.isEmpty()
        ? holders.page(cursor)
        : holders.of(published.place(Name.of(name.get())), cursor);
  }

  /// Bytes that it may take.
  public long capacity() {
    return account.capacity();
  }

  /// Bytes that it has taken.
  public long used() {
    return account.used();
  }

  /// What it comes to, and what of it is a uid's.
  public Statistics statistics(int uid) {
    Quota.Use use = quota.of(uid);
    return new Statistics(
        config.server(),
        TimeUnit.NANOSECONDS.toSeconds(config.clock().nanos() - started),
        account.capacity(),
        capacityAsked,
        account.used(),
        account.bytes(Account.Kind.CATALOG),
        account.segments(Account.Kind.SLAB),
        account.bytes(Account.Kind.SLAB),
        account.segments(Account.Kind.DEDICATED),
        account.bytes(Account.Kind.DEDICATED),
        account.segments(Account.Kind.UNFINISHED),
        account.bytes(Account.Kind.UNFINISHED),
        account.segments(Account.Kind.HELD),
        account.bytes(Account.Kind.HELD),
        account.unseen(),
        gauges.toString(),
        account.segments(Account.Kind.PREPARED) + account.segments(Account.Kind.SPARE),
        account.bytes(Account.Kind.PREPARED) + account.bytes(Account.Kind.SPARE),
        account.hugePageBytes(),
        account.hugePageFailures(),
        published.count(),
        published.bytes(),
        catalog.spilled(),
        evictor.evicted(),
        expiry.expired(),
        handouts.ledger().livingSessions(),
        waiters.count() + room.waiting(),
        watchers.count(),
        use.bytes(),
        use.buffers(),
        quota.limits().bytes(),
        quota.limits().buffers());
  }

  /// A session is gone: it waits for nothing any more, nothing it left unfinished is published, and
  /// what it published without a name or for its own time goes.
  public void endSession(long session) {
    waiters.endSession(session);
    watchers.endSession(session);
    room.endSession(session);
    lender.endSession(session);
    spares.endSession(session);
    unnamed.endSession(session);
    ofSessions.endSession(session);
    handouts.ledger().end(session);
  }

  /// Ends the store: waits for the workers, says goodbye in the catalog and gives all memory back.
  /// What others have mapped stays theirs.
  @Override
  public void close() {
    waiters.endAll();
    room.endAll();
    expiry.close();
    lender.endAll();
    spares.endAll();
    supply.close();
    unnamed.close();
    ofSessions.close();
    holds.close();
    held.close();
    catalog.close();
    workers.close();
    memory.close();
  }
}
