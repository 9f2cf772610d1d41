package dev.sealbuf.server.session;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.Requests;
import dev.sealbuf.server.namespace.Membership;
import dev.sealbuf.server.session.SessionState.Event;
import dev.sealbuf.server.store.CatalogHandle;
import dev.sealbuf.server.store.Refusal;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One client's conversation: frames in, replies out, in the order of the switch in [Dispatch].
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
  private static final Logger LOG = LoggerFactory.getLogger(Session.class);

  private final PeerCredentials credentials;
  private final Service service;
  private final Outbox outbox;

  /// From hello on.
  private @Nullable Dispatch dispatch;

  private SessionState state = SessionState.CONNECTED;
  private int pending;

  public Session(PeerCredentials credentials, Service service, Outbox outbox) {
    this.credentials = credentials;
    this.service = service;
    this.outbox = outbox;
  }

  public SessionState state() {
    return state;
  }

  /// Requests in work.
  public int pending() {
    return pending;
  }

  /// All events have left.
  public void eventsTaken() {
    if (dispatch != null) {
      dispatch.eventsTaken();
    }
  }

  /// Answers one frame, now or when its work is done.
  public void receive(Frame frame) {
    try {
      receive(Requests.read(frame));
    } catch (HeadException e) {
      refuse(e.seq(), invalid(e));
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
      if (dispatch != null) {
        dispatch.end();
      }
    }
  }

  /// A reply that could not be sent was replaced by an error, so what it lent goes back. Without
  /// the catalog that a welcome brings there is no session.
  public void undelivered(Reply reply) {
    switch (reply) {
      case Reply.Lent lent when dispatch != null -> dispatch.takeBack(lent.buffer());
      case Reply.Welcome _ -> end();
      case Reply _ -> {}
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
    } catch (HeadException e) {
      refuse(request.seq(), invalid(e));
    } catch (RuntimeException e) {
      fault(request.seq(), e);
    }
  }

  private void answer(Request request) throws Refusal, HeadException {
    if (request instanceof Request.Hello hello) {
      welcome(hello);
    } else if (dispatch != null) {
      dispatch.answer(request);
    }
  }

  private void welcome(Request.Hello hello) throws Refusal {
    Membership membership = service.namespaces().enter(hello.namespace(), credentials);
    CatalogHandle catalog = membership.store().beginSession(membership.peer(), hello.client());
    dispatch = new Dispatch(this, membership, service.events(), outbox);
    outbox.send(
        Answers.welcome(hello.seq(), service.version(), membership, catalog),
        catalog.descriptors());
  }

  /// Replies when the work is done, which occupies the daemon until then.
  <T> void later(long seq, CompletionStage<T> work, Consumer<T> reply) {
    pending++;
    parked(seq, work.whenComplete((_, _) -> pending--), reply);
  }

  /// Replies when something has happened, which costs nothing until then.
  <T> void parked(long seq, CompletionStage<T> event, Consumer<T> reply) {
    var _ =
        event.whenComplete((result, failure) -> {
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
    LOG.error("request failed in a way that is not planned for: peer={}", credentials, fault);
    end();
    outbox.sendLast(
        Reply.Failure.of(
            seq,
            ErrorCode.PROTOCOL,
            "the daemon failed on this request and logged why: pid=" + credentials.pid()));
  }

  private static Refusal invalid(HeadException cause) {
    return new Refusal(ErrorCode.INVALID_REQUEST, String.valueOf(cause.getMessage()));
  }

  private Refusal outOfOrder() {
    return new Refusal(
        ErrorCode.INVALID_REQUEST, "hello comes first and once: state=" + state.name());
  }
}
