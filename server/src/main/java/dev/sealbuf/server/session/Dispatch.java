package dev.sealbuf.server.session;

import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.NameList;
import dev.sealbuf.protocol.Names;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.namespace.Membership;
import dev.sealbuf.server.store.BatchPublication;
import dev.sealbuf.server.store.Form;
import dev.sealbuf.server.store.Loan;
import dev.sealbuf.server.store.Location;
import dev.sealbuf.server.store.Opening;
import dev.sealbuf.server.store.Peer;
import dev.sealbuf.server.store.Publication;
import dev.sealbuf.server.store.Refusal;
import dev.sealbuf.server.store.Reservation;
import dev.sealbuf.server.store.SegmentHandle;
import dev.sealbuf.server.store.Standing;
import dev.sealbuf.server.store.Store;
import dev.sealbuf.server.store.Taking;
import dev.sealbuf.server.store.Terms;
import dev.sealbuf.server.store.Watcher;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One session's requests, each a call of the store and its answer a reply: the table in
/// `protocol/PROTOCOL.md`, one row a line of the switch in [#answer].
///
/// What workers finish comes back through the session and counts as pending there; what is parked
/// does not.
final class Dispatch {
  private static final Logger LOG = LoggerFactory.getLogger(Dispatch.class);

  private final Session session;
  private final Peer peer;
  private final Store store;
  private final EventFrames events;
  private final Outbox outbox;
  private Optional<Watcher> watcher = Optional.empty();

  Dispatch(Session session, Membership membership, EventFrames events, Outbox outbox) {
    this.session = session;
    this.peer = membership.peer();
    this.store = membership.store();
    this.events = events;
    this.outbox = outbox;
  }

  /// The session is over: what it left unfinished is aborted.
  void end() {
    store.endSession(peer.session());
  }

  /// What was lent did not reach the peer.
  void takeBack(long buffer) {
    try {
      store.takeBack(buffer);
    } catch (Refusal e) {
      LOG.warn("lent buffer cannot be taken back: buffer={} reason={}", buffer, e.code());
    }
  }

  /// All events have left.
  void eventsTaken() {
    watcher.ifPresent(Watcher::resume);
  }

  void answer(Request request) throws Refusal, HeadException {
    long seq = request.seq();
    requireNotWatching(request);
    RequiredRight.require(peer, request);
    switch (request) {
      case Request.Hello _ -> throw new AssertionError("a session says hello once");
      case Request.Put put -> published(seq, store.put(peer, put.name(), put.bytes(), terms(put)));
      case Request.PutMany many -> publishedMany(seq, putMany(many));
      case Request.Create create ->
          session.later(
              seq, lend(create), loan -> outbox.send(Answers.lent(seq, loan), loan.descriptors()));
      case Request.Seal seal ->
          session.later(
              seq,
              store.seal(peer, seal.buffer(), seal.nbytes()),
              publication -> publishedLent(seq, publication, seal.spare()));
      case Request.SealSpare seal ->
          session.later(
              seq,
              store.sealSpare(peer, seal.buffer(), seal.name(), seal.nbytes(), terms(seal)),
              publication -> publishedLent(seq, publication, seal.spare()));
      case Request.SealMany many ->
          session.later(
              seq,
              store.sealMany(
                  peer, many.buffer(), BatchIndex.readPlaces(many.payload(), many.count())),
              publication -> publishedMany(seq, publication));
      case Request.Abort abort -> {
        store.abort(peer, abort.buffer());
        outbox.send(new Reply.Aborted(seq, abort.buffer()));
      }
      case Request.Open open ->
          session.parked(
              seq,
              store.openBuffer(peer, open.name(), open.slab(), open.newer(), open.timeout()),
              place -> opened(seq, place));
      case Request.Take take ->
          session.parked(
              seq, store.take(peer, take.name(), take.timeout()), taking -> taken(seq, taking));
      case Request.Reserve reserve ->
          session.parked(
              seq,
              store.reserve(peer, reserve.name(), reserve.timeout()),
              standing -> standing(seq, standing));
      case Request.Hold hold ->
          outbox.send(new Reply.Held(seq, store.hold(peer, hold.name(), hold.buffer())));
      case Request.OpenHeld held -> openedHeld(seq, held.name(), openHeld(held));
      case Request.Map map -> mapped(seq, store.map(peer, map.segment()));
      case Request.Delete delete -> {
        long buffer = store.delete(peer, delete.name(), delete.buffer()).buffer();
        outbox.send(new Reply.Deleted(seq, delete.name(), buffer));
      }
      case Request.DeleteMany many -> deleteMany(many);
      case Request.ListNames list ->
          outbox.send(
              Answers.listing(
                  seq, store.list(list.prefix(), list.limit(), list.cursor(), list.until())));
      case Request.Watch watch -> watch(watch);
      case Request.AwaitRoom room ->
          session.parked(
              seq,
              store.awaitRoom(peer, room.nbytes(), room.timeout().orElse(0)),
              _ -> outbox.send(new Reply.Room(seq)));
      case Request.Holders holders ->
          session.later(
              seq,
              store.holders(holders.name(), holders.cursor()),
              page -> outbox.send(Answers.holding(seq, page)));
      case Request.Stat _ -> outbox.send(new Reply.Stats(seq, store.statistics(peer.uid()).rows()));
      case Request.Ping _ -> outbox.send(new Reply.Pong(seq));
    }
  }

  private void requireNotWatching(Request request) throws Refusal {
    if (watcher.isPresent() && !(request instanceof Request.Ping)) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST, "a session that watches asks for nothing else but ping");
    }
  }

  private static Terms terms(Request.Put put) {
    Form form = new Form(put.description(), put.metadata());
    return new Terms(put.replace(), put.ttl(), put.session(), put.buffer(), form);
  }

  private static Terms terms(Request.Create create) {
    Form form = new Form(create.description(), create.payload());
    return new Terms(create.replace(), create.ttl(), create.session(), create.buffer(), form);
  }

  private static Terms terms(Request.SealSpare seal) {
    Form form = new Form(seal.description(), seal.payload());
    return new Terms(seal.replace(), seal.ttl(), seal.session(), OptionalLong.empty(), form);
  }

  private BatchPublication putMany(Request.PutMany many) throws Refusal, HeadException {
    ByteBuffer payload = many.payload();
    ByteBuffer index = payload.slice(payload.position(), many.indexBytes());
    int behind = payload.position() + many.indexBytes();
    return store.putMany(
        peer,
        BatchIndex.readLengths(index, many.count()),
        payload.slice(behind, payload.limit() - behind),
        new Terms(many.replace(), many.ttl(), many.session(), OptionalLong.empty(), Form.PLAIN));
  }

  private CompletionStage<Loan> lend(Request.Create create) throws Refusal {
    if (!create.batch()) {
      return store.create(peer, create.name(), create.nbytes(), terms(create));
    }
    if (create.name().isPresent() || create.buffer().isPresent()) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST, "a batch is created without a name and a reservation");
    }
    if (create.description().isPresent() || create.payload().hasRemaining()) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "the buffers of a batch are described when it is sealed, and have no metadata");
    }
    return store.createBatch(peer, create.nbytes(), terms(create));
  }

  private void published(long seq, Publication made) {
    outbox.send(Answers.published(seq, made));
  }

  /// A spare that cannot leave now is not worth waiting for.
  private void publishedLent(long seq, Publication made, OptionalLong spare) {
    Optional<Loan> loan =
        spare.isPresent() ? store.lendSpare(peer, spare.getAsLong()) : Optional.empty();
    if (loan.isEmpty()) {
      published(seq, made);
      return;
    }
    Reply reply = Answers.publishedLent(seq, made, loan.get());
    if (!outbox.sendNow(reply, loan.get().descriptors())) {
      store.takeBackSpare(peer, loan.get().buffer());
      published(seq, made);
    }
  }

  private void publishedMany(long seq, BatchPublication made) {
    outbox.send(Answers.publishedMany(seq, made));
  }

  private Opening openHeld(Request.OpenHeld held) throws Refusal {
    return store.openHeld(peer, held.name(), held.buffer(), held.hold(), held.slab());
  }

  /// The hold is used up when it is certain that the descriptors reach the peer.
  private void openedHeld(long seq, String name, Opening opening) {
    Location place = opening.location();
    if (place.descriptors().isEmpty()) {
      opening.commit().run();
      opened(seq, place);
    } else if (!outbox.send(Answers.opened(seq, place), place.descriptors(), opening.commit())) {
      tryAgain(seq, "a held buffer's", name);
    }
  }

  private void opened(long seq, Location place) {
    outbox.send(Answers.opened(seq, place), place.descriptors());
  }

  /// The buffer is deleted when it is certain that its descriptors reach the taker, and before the
  /// taker can see the reply.
  private void taken(long seq, Taking taking) {
    Reply reply = Answers.taken(seq, taking);
    if (!outbox.send(reply, taking.location().descriptors(), taking.commit())) {
      tryAgain(seq, "a taken buffer's", taking.name());
    }
  }

  private void tryAgain(long seq, String whose, String name) {
    outbox.send(
        Reply.Failure.of(
            seq,
            ErrorCode.TRY_AGAIN,
            "%s descriptors must leave at once, and cannot now: name=%s"
                .formatted(whose, Names.printable(name))));
  }

  private void standing(long seq, Standing standing) {
    switch (standing) {
      case Location place -> opened(seq, place);
      case Reservation reservation -> outbox.send(Answers.reserved(seq, reservation));
    }
  }

  private void mapped(long seq, SegmentHandle handle) {
    outbox.send(Answers.mapped(seq, handle), handle.descriptors());
  }

  private void deleteMany(Request.DeleteMany many) throws Refusal, HeadException {
    for (String name : NameList.read(many.payload(), many.count())) {
      store.delete(peer, name);
    }
    outbox.send(new Reply.DeletedMany(many.seq(), many.count()));
  }

  private void watch(Request.Watch watch) throws Refusal {
    Watcher.Sink sink = event -> outbox.sendEvent(events.of(event));
    watcher = Optional.of(store.watch(peer, watch.prefix(), watch.replay(), sink));
    outbox.send(new Reply.Watching(watch.seq(), store.version()));
  }
}
