package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.FrameDecoder;
import dev.sealbuf.protocol.FrameException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.server.session.Outbox;
import dev.sealbuf.server.session.Service;
import dev.sealbuf.server.session.Session;
import dev.sealbuf.server.session.SessionState;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One accepted connection: bytes to frames, frames to the session, replies to the outgoing queue.
///
/// **Back pressure.** A frame is looked at only while the queue is empty and the session has room
/// for another pending request. Otherwise the bytes wait here and reading stops, so a client that
/// does not read its replies is soon not read from either, and what it can make the daemon keep is
/// bounded.
///
/// **Turns.** What one read brings can be hundreds of requests. After a turn's worth of time the
/// rest waits for the next round of the loop, so that a client that asks without pause slows
/// itself.
///
/// **The end.** An error that ends the connection must reach a client whose own bytes are still on
/// their way: the queue is flushed, the writing side shut down, what still comes is dropped until
/// the peer closes or a second has passed. Every close comes by here, that of the peer, too (so
/// half-closed channels are allowed): the socket is looked at once more while its number is its
/// own.
final class Connection extends ChannelDuplexHandler implements Outbox, OutgoingQueue.Owner {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
  private static final int LINGER_SECONDS = 1;

  /// How long requests that are there already are answered in one go.
  private static final long TURN_NANOS = 1_000_000;

  private enum Phase {
    /// Frames are looked at.
    SERVING,
    /// The last reply is queued.
    FLUSHING,
    /// The last reply has left.
    LINGERING,
    CLOSED
  }

  private final EpollDomainSocketChannel channel;
  private final LoopContext context;
  private final PeerCredentials peer;
  private final HeapBudget.Share share;
  private final FrameDecoder decoder;
  private final OutgoingQueue queue;
  private final Session session;
  private final Future<?> handshakeDeadline;
  private Phase phase = Phase.SERVING;
  private final Unread unread;
  private boolean pumping;
  private boolean resting;

  Connection(
      EpollDomainSocketChannel channel,
      LoopContext context,
      PeerCredentials peer,
      Service service) {
    this.channel = channel;
    this.context = context;
    this.peer = peer;
    int uid = (int) peer.uid();
    this.share = context.budget().share(uid, this::pump);
    this.unread = new Unread(share);
    this.decoder = FrameDecoder.ofRequests(share::takeOrWait);
    this.queue = new OutgoingQueue(channel, context, uid, share, this);
    this.session = new Session(peer, service, this);
    channel
        .config()
        .setAllowHalfClosure(true)
        .setRecvByteBufAllocator(new ReadSize(decoder::missing));
    this.handshakeDeadline =
        context.loop().schedule(this::handshakeIsDue, Limits.HANDSHAKE_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void channelRead(ChannelHandlerContext handler, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    try {
      if (phase == Phase.SERVING) {
        unread.borrow(bytes.nioBuffer());
        pump();
      }
    } finally {
      bytes.release();
    }
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext handler, Object event) {
    if (event instanceof ChannelInputShutdownEvent) {
      closeSoon();
    }
  }

  /// The session ends here and not when Netty has told of the close, which is after the turn's part
  /// of the [Endings].
  @Override
  public void close(ChannelHandlerContext handler, ChannelPromise promise) {
    phase = Phase.CLOSED;
    queue.end();
    try {
      session.end();
    } finally {
      var _ = handler.close(promise);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext handler) {
    phase = Phase.CLOSED;
    handshakeDeadline.cancel(false);
    unread.close();
    session.end();
    queue.close();
    share.close();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext handler, Throwable cause) {
    if (!(cause instanceof IOException)) {
      LOG.error("connection failed in a way that is not planned for: peer={}", peer, cause);
    }
    close();
  }

  @Override
  public void send(Reply reply, List<Fd> descriptors) {
    if (phase == Phase.SERVING) {
      queue.offer(reply, descriptors);
      drained();
    } else {
      descriptors.forEach(Fd::close);
    }
  }

  @Override
  public boolean send(Reply reply, List<Fd> descriptors, Runnable commit) {
    return sendIfItCanLeave(descriptors, () -> queue.offer(reply, descriptors, commit));
  }

  @Override
  public boolean sendNow(Reply reply, List<Fd> descriptors) {
    return sendIfItCanLeave(descriptors, () -> queue.offerNow(reply, descriptors));
  }

  private boolean sendIfItCanLeave(List<Fd> descriptors, BooleanSupplier offer) {
    if (phase == Phase.SERVING) {
      boolean sent = offer.getAsBoolean();
      drained();
      return sent;
    }
    descriptors.forEach(Fd::close);
    return false;
  }

  @Override
  public boolean sendEvent(ByteBuffer frame) {
    return phase == Phase.SERVING && queue.offerEvent(frame);
  }

  @Override
  public void sendLast(Reply reply) {
    if (phase == Phase.SERVING) {
      phase = Phase.FLUSHING;
      unread.close();
      queue.offerLast(reply);
      drained();
    }
  }

  @Override
  public void drained() {
    if (phase == Phase.FLUSHING && queue.isEmpty()) {
      linger();
    } else {
      pump();
    }
  }

  @Override
  public void eventsTaken() {
    session.eventsTaken();
  }

  @Override
  public void undelivered(Reply reply) {
    session.undelivered(reply);
    if (session.state() == SessionState.CLOSED && phase == Phase.SERVING) {
      phase = Phase.FLUSHING;
      unread.close();
    }
  }

  @Override
  public void gone() {
    closeSoon();
  }

  @Override
  public void gaveUp(String reason) {
    warn(reason);
    closeSoon();
  }

  /// Says goodbye. What has left for a Unix socket is the peer's to read, whatever happens here: so
  /// there is nothing to wait for but a queue that has not left.
  void stop() {
    session.fail(ErrorCode.DISCONNECTED, "the daemon stops");
    if (phase == Phase.LINGERING) {
      close();
    }
  }

  /// Runs this when the ended connection's peer has read all descriptors, or can no longer.
  void onceRead(Runnable task) {
    queue.onceRead(task);
  }

  /// Not at once: this may be heard in the middle of what the store does for the session, or for
  /// many.
  private void closeSoon() {
    if (phase != Phase.CLOSED) {
      phase = Phase.CLOSED;
      unread.close(); // it may point into what Netty has given back by then
      context.endings().add(channel);
    }
  }

  /// Ends the connection without another word.
  void close() {
    phase = Phase.CLOSED;
    var _ = channel.close();
  }

  private void pump() {
    if (pumping) {
      return;
    }
    pumping = true;
    long turnEnd = context.nanoTime() + TURN_NANOS;
    try {
      for (Optional<Frame> frame = next(); frame.isPresent(); frame = next()) {
        session.receive(frame.get());
        share.give(frame.get().bodyBytes());
        if (context.nanoTime() - turnEnd > 0) {
          rest();
        }
      }
    } catch (FrameException e) {
      misbehaved(e.code(), e.getMessage());
    } finally {
      pumping = false;
    }
    if (!unread.settle()) {
      gaveUp("requests come faster than they are met, and their memory is needed");
    }
    if (phase != Phase.CLOSED) {
      channel.config().setAutoRead(phase != Phase.SERVING || (unread.isEmpty() && mayReceive()));
    }
  }

  /// Lets the others have their turn. A task that is due at once would not do: the loop runs all of
  /// those before it looks at its sockets again, but it collects timers only once a round.
  private void rest() {
    resting = true;
    var _ = context.loop().schedule(this::resume, 0, TimeUnit.NANOSECONDS);
  }

  private void resume() {
    resting = false;
    pump();
  }

  private boolean mayReceive() {
    return !resting && queue.isEmpty() && session.pending() < Limits.PENDING_MAX;
  }

  private Optional<Frame> next() throws FrameException {
    if (phase != Phase.SERVING || !mayReceive() || unread.isEmpty()) {
      return Optional.empty();
    }
    return decoder.next(unread.bytes());
  }

  private void handshakeIsDue() {
    if (session.state() == SessionState.CONNECTED) {
      misbehaved(ErrorCode.PROTOCOL, "no hello in time: seconds=" + Limits.HANDSHAKE_SECONDS);
    }
  }

  private void misbehaved(ErrorCode code, String message) {
    warn(message);
    session.fail(code, message);
  }

  private void warn(String message) {
    context.log().warn(peer.uid(), "disconnected", message);
  }

  private void linger() {
    phase = Phase.LINGERING;
    var _ = channel.shutdownOutput();
    channel.config().setAutoRead(true);
    Runnable close = this::close;
    var _ = context.loop().schedule(close, LINGER_SECONDS, TimeUnit.SECONDS);
  }
}
