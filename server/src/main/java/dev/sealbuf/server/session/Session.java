package dev.sealbuf.server.session;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.Names;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.Requests;
import dev.sealbuf.server.session.SessionState.Event;
import dev.sealbuf.server.store.CatalogHandle;
import dev.sealbuf.server.store.Loan;
import dev.sealbuf.server.store.Location;
import dev.sealbuf.server.store.Page;
import dev.sealbuf.server.store.Peer;
import dev.sealbuf.server.store.Publication;
import dev.sealbuf.server.store.Refusal;
import dev.sealbuf.server.store.SegmentHandle;
import dev.sealbuf.server.store.Store;
import dev.sealbuf.server.store.Terms;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One client's conversation: frames in, replies out, in the order of the switch in [#answer].
///
/// A request that cannot be met is answered with an error and the conversation goes on, because a
/// complete frame leaves the stream in step. `create` and `seal` are finished by workers and come
/// back on the event loop; until then they are pending, and the connection stops reading when there
/// are too many. Their result may find the session closed: the outbox then closes the descriptors,
/// and the store has taken back what was lent.
///
/// A failure that is no [Refusal] is a fault of the daemon. It is logged, told, and ends this
/// session only.
public final class Session {
  /// The only namespace until there are access lists.
  private static final String NAMESPACE = "default";

  private static final Logger LOG = LoggerFactory.getLogger(Session.class);

  private final Peer peer;
  private final Service service;
  private final Store store;
  private final Outbox outbox;
  private SessionState state = SessionState.CONNECTED;
  private int pending;

  public Session(Peer peer, Service service, Outbox outbox) {
    this.peer = peer;
    this.service = service;
    this.store = service.store();
    this.outbox = outbox;
  }

  public SessionState state() {
    return state;
  }

  /// Requests in work.
  public int pending() {
    return pending;
  }

  /// Answers one frame, now or when its work is done.
  public void receive(Frame frame) {
    try {
      receive(Requests.read(frame));
    } catch (HeadException e) {
      refuse(e.seq(), new Refusal(ErrorCode.INVALID_REQUEST, e.getMessage()));
    }
  }

  /// The stream is broken, or a limit was passed: says so, and ends.
  public void fail(ErrorCode code, String message) {
    end();
    outbox.sendLast(Reply.Failure.of(0, code, message));
  }

  /// Ends the session and aborts what it left unfinished.
  public void end() {
    if (state != SessionState.CLOSED) {
      state = state.after(Event.END);
      store.endSession(peer.session());
    }
  }

  /// A reply that could not be sent was replaced by an error, so what it lent goes back. Without
  /// the catalog that a welcome brings there is no session.
  public void undelivered(Reply reply) {
    switch (reply) {
      case Reply.Lent lent -> takeBack(lent.buffer());
      case Reply.Welcome _ -> end();
      case Reply _ -> {}
    }
  }

  private void takeBack(long buffer) {
    try {
      store.abort(peer, buffer);
    } catch (Refusal e) {
      LOG.warn("lent buffer cannot be taken back: buffer={} reason={}", buffer, e.code());
    }
  }

  private void receive(Request request) {
    Event event = request instanceof Request.Hello ? Event.HELLO : Event.REQUEST;
    if (!state.admits(event)) {
      refuse(request.seq(), outOfOrder());
      return;
    }
    try {
      answer(request);
      state = state.after(event);
    } catch (Refusal e) {
      refuse(request.seq(), e);
    } catch (RuntimeException e) {
      fault(request.seq(), e);
    }
  }

  private void answer(Request request) throws Refusal {
    long seq = request.seq();
    switch (request) {
      case Request.Hello hello -> welcome(hello);
      case Request.Put put ->
          published(seq, store.put(peer, put.name(), put.payload(), Terms.PLAIN));
      case Request.Create create ->
          later(
              seq,
              store.create(peer, create.name(), create.nbytes(), Terms.PLAIN),
              loan -> lent(seq, loan));
      case Request.Seal seal ->
          later(
              seq,
              store.seal(peer, seal.buffer(), seal.nbytes()),
              publication -> published(seq, publication));
      case Request.Abort abort -> {
        store.abort(peer, abort.buffer());
        outbox.send(new Reply.Aborted(seq, abort.buffer()));
      }
      case Request.Open open -> opened(seq, store.openBuffer(peer, open.name(), open.slab()));
      case Request.Map map -> mapped(seq, store.map(peer, map.segment()));
      case Request.Delete delete -> {
        long buffer = store.delete(peer, delete.name()).buffer();
        outbox.send(new Reply.Deleted(seq, delete.name(), buffer));
      }
      case Request.ListNames list ->
          listing(seq, store.list(list.prefix(), list.limit(), list.cursor()));
      case Request.PutMany _,
          Request.SealMany _,
          Request.Take _,
          Request.Reserve _,
          Request.DeleteMany _,
          Request.Watch _,
          Request.AwaitRoom _,
          Request.Holders _ ->
          throw new Refusal(ErrorCode.INVALID_REQUEST, "this daemon does not serve this op yet");
      case Request.Stat _ ->
          outbox.send(new Reply.Stats(seq, store.statistics().rows(service.sessions().getAsInt())));
      case Request.Ping _ -> outbox.send(new Reply.Pong(seq));
    }
  }

  private void welcome(Request.Hello hello) throws Refusal {
    if (!hello.namespace().equals(NAMESPACE)) {
      throw new Refusal(
          ErrorCode.NOT_PERMITTED,
          "no such namespace, or not open to this uid: namespace="
              + Names.printable(hello.namespace()));
    }
    CatalogHandle catalog = store.catalog();
    outbox.send(
        new Reply.Welcome(
            hello.seq(),
            service.version(),
            "%016x".formatted(catalog.daemon()),
            peer.session(),
            Integer.toUnsignedLong(peer.uid()),
            hello.namespace(),
            catalog.segment(),
            catalog.bytes()),
        catalog.descriptors());
  }

  private void published(long seq, Publication made) {
    outbox.send(
        new Reply.Published(
            seq,
            made.name(),
            made.buffer(),
            made.version(),
            made.created(),
            made.slab(),
            made.slabBytes(),
            made.record()));
  }

  private void lent(long seq, Loan loan) {
    outbox.send(
        new Reply.Lent(
            seq, loan.name(), loan.buffer(), loan.nbytes(), loan.segment(), loan.segmentBytes()),
        loan.descriptors());
  }

  private void opened(long seq, Location place) {
    outbox.send(
        new Reply.Opened(
            seq,
            place.slab(),
            place.slabBytes(),
            place.record(),
            place.segment(),
            place.segmentBytes()),
        place.descriptors());
  }

  private void mapped(long seq, SegmentHandle handle) {
    outbox.send(
        new Reply.Mapped(seq, handle.segment(), handle.segmentBytes()), handle.descriptors());
  }

  private void listing(long seq, Page page) {
    outbox.send(new Reply.Listing(seq, page.count(), page.cursor(), Limits.SEQ_MAX, page.json()));
  }

  private <T> void later(long seq, CompletionStage<T> work, Consumer<T> reply) {
    pending++;
    var _ =
        work.whenComplete((result, failure) -> {
          pending--;
          if (failure == null) {
            replyOrFault(seq, () -> reply.accept(result));
          } else {
            failed(seq, failure);
          }
        });
  }

  /// Nobody looks at what a stage's last function throws.
  private void replyOrFault(long seq, Runnable reply) {
    try {
      reply.run();
    } catch (RuntimeException e) {
      fault(seq, e);
    }
  }

  private void failed(long seq, Throwable failure) {
    if (failure instanceof Refusal refusal) {
      refuse(seq, refusal);
    } else if (failure instanceof CompletionException wrapped && wrapped.getCause() != null) {
      failed(seq, wrapped.getCause());
    } else {
      fault(seq, failure);
    }
  }

  private void refuse(long seq, Refusal refusal) {
    Reply error = Reply.Failure.of(seq, refusal.code(), String.valueOf(refusal.getMessage()));
    if (state == SessionState.CONNECTED && refusal.code() == ErrorCode.NOT_PERMITTED) {
      end();
      outbox.sendLast(error);
    } else {
      outbox.send(error);
    }
  }

  private void fault(long seq, Throwable fault) {
    LOG.error("request failed in a way that is not planned for: session={}", peer.session(), fault);
    end();
    outbox.sendLast(
        Reply.Failure.of(
            seq,
            ErrorCode.PROTOCOL,
            "the daemon failed on this request and logged why: session=" + peer.session()));
  }

  private Refusal outOfOrder() {
    return new Refusal(
        ErrorCode.INVALID_REQUEST, "hello comes first and once: state=" + state.name());
  }
}
