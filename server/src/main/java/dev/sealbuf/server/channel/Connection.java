package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Fd;
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
import dev.sealbuf.server.store.Peer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.util.concurrent.Future;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/// One accepted connection: bytes to frames, frames to the session, replies to the outgoing queue.
///
/// **Back pressure.** A frame is looked at only while the queue is empty and the session has room
/// for another pending request. Otherwise the bytes wait here and reading stops, so a client that
/// does not read its replies is soon not read from either, and what it can make the daemon keep is
/// bounded.
///
/// **The end.** An error that ends the connection must reach a client whose own bytes are still on
/// their way: the queue is flushed, the writing side shut down, what still comes is dropped until
/// the peer closes or a second has passed.
final class Connection extends ChannelInboundHandlerAdapter implements Outbox, OutgoingQueue.Owner {
  private static final int LINGER_SECONDS = 1;

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
  private final EventLoop loop;
  private final Peer peer;
  private final PeerLog log;
  private final FrameDecoder decoder = FrameDecoder.ofRequests();
  private final OutgoingQueue queue;
  private final Session session;
  private final Future<?> handshakeDeadline;
  private Phase phase = Phase.SERVING;
  private ByteBuf unread = Unpooled.EMPTY_BUFFER;
  private boolean pumping;

  Connection(
      EpollDomainSocketChannel channel,
      EventLoop loop,
      ByteBuffer scratch,
      Peer peer,
      Service service,
      PeerLog log) {
    this.channel = channel;
    this.peer = peer;
    this.log = log;
    this.queue = new OutgoingQueue(channel, loop, scratch, this);
    this.session = new Session(peer, service, this);
    this.loop = loop;
    this.handshakeDeadline =
        loop.schedule(this::handshakeIsDue, Limits.HANDSHAKE_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    if (phase != Phase.SERVING) {
      bytes.release();
      return;
    }
    unread = ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(context.alloc(), unread, bytes);
    pump();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    phase = Phase.CLOSED;
    handshakeDeadline.cancel(false);
    dropUnread();
    session.end();
    queue.close();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    broken("connection failed: " + cause);
  }

  @Override
  public void send(Reply reply, List<Fd> descriptors) {
    if (phase == Phase.SERVING) {
      queue.offer(reply, descriptors);
      pump();
    } else {
      descriptors.forEach(Fd::close);
    }
  }

  @Override
  public void sendLast(Reply reply) {
    if (phase == Phase.SERVING) {
      phase = Phase.FLUSHING;
      dropUnread();
      queue.offer(reply, List.of());
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
  public void undelivered(Reply reply) {
    session.undelivered(reply);
  }

  @Override
  public void broken(String reason) {
    if (phase != Phase.CLOSED) {
      log.warn(Integer.toUnsignedLong(peer.uid()), "disconnected", reason);
      close();
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
    try {
      for (Optional<Frame> frame = next(); frame.isPresent(); frame = next()) {
        session.receive(frame.get());
      }
    } catch (FrameException e) {
      misbehaved(e.code(), e.getMessage());
    } finally {
      pumping = false;
    }
    channel.config().setAutoRead(phase != Phase.SERVING || mayReceive());
  }

  private boolean mayReceive() {
    return queue.isEmpty() && session.pending() < Limits.PENDING_MAX;
  }

  private Optional<Frame> next() throws FrameException {
    if (phase != Phase.SERVING || !mayReceive() || !unread.isReadable()) {
      return Optional.empty();
    }
    ByteBuffer view = unread.nioBuffer();
    Optional<Frame> frame = decoder.next(view);
    unread.skipBytes(view.position());
    if (!unread.isReadable()) {
      dropUnread();
    }
    return frame;
  }

  private void dropUnread() {
    unread.release();
    unread = Unpooled.EMPTY_BUFFER;
  }

  private void handshakeIsDue() {
    if (session.state() == SessionState.CONNECTED) {
      misbehaved(ErrorCode.PROTOCOL, "no hello in time: seconds=" + Limits.HANDSHAKE_SECONDS);
    }
  }

  private void misbehaved(ErrorCode code, String message) {
    log.warn(Integer.toUnsignedLong(peer.uid()), "disconnected", message);
    session.fail(code, message);
  }

  private void linger() {
    phase = Phase.LINGERING;
    var _ = channel.shutdownOutput();
    channel.config().setAutoRead(true);
    var _ = loop.schedule(this::close, LINGER_SECONDS, TimeUnit.SECONDS);
  }
}
