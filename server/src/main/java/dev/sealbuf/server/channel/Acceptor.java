package dev.sealbuf.server.channel;

import dev.sealbuf.memory.Descriptors;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.server.session.Service;
import dev.sealbuf.server.watch.Watch;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// Takes new connections in, or turns them away with one error frame, before a byte of theirs is
/// read: first who it is, then whether there is room.
///
/// **Out of descriptors.** A connection that cannot be accepted stays in the backlog and would wake
/// the loop for ever. So accepting pauses, and a spare descriptor is given up: the next connection
/// takes its place, is told to try again and closed, and the spare is taken back.
final class Acceptor extends ChannelInboundHandlerAdapter {
  private static final long PAUSE_MILLIS = 50;

  private static final String OUT_OF_DESCRIPTORS = "the daemon is out of descriptors";

  private final LoopContext context;
  private final PeerPolicy policy;
  private final Admission admission;
  private final PeerProcesses processes;
  private final Service service;
  private final SpareDescriptor spare = new SpareDescriptor();
  private final Set<Connection> connections = new HashSet<>();
  private final Promise<Object> empty;
  private boolean stopping;

  Acceptor(
      LoopContext context,
      PeerPolicy policy,
      Admission admission,
      PeerProcesses processes,
      Service service) {
    this.context = context;
    this.policy = policy;
    this.admission = admission;
    this.processes = processes;
    this.service = service;
    this.empty = context.loop().newPromise();
    spare.hold();
  }

  @Override
  public void channelRead(ChannelHandlerContext handler, Object message) {
    EpollDomainSocketChannel channel = (EpollDomainSocketChannel) message;
    try {
      accept(channel, PeerCredentials.of(Fd.borrow(channel.fd().intValue())));
    } catch (IOException _) {
      channel.unsafe().closeForcibly();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext handler, Throwable cause) {
    spare.close();
    Channel server = handler.channel();
    server.config().setAutoRead(false);
    var _ =
        context
            .loop()
            .schedule(() -> server.config().setAutoRead(true), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
  }

  /// Tells all sessions that the daemon stops.
  void stop() {
    stopping = true;
    Set.copyOf(connections).forEach(Connection::stop);
    noticeEmpty();
  }

  /// Done when the last session has ended after [#stop].
  Future<?> empty() {
    return empty;
  }

  /// Ends what is left.
  void close() {
    Set.copyOf(connections).forEach(Connection::close);
    context.flight().close();
    spare.close();
  }

  private void accept(EpollDomainSocketChannel channel, PeerCredentials peer) throws IOException {
    Optional<String> forbidden = policy.refusal(peer);
    if (forbidden.isPresent()) {
      refuse(channel, peer, ErrorCode.NOT_PERMITTED, forbidden.get());
    } else if (!spare.hold()) {
      refuse(channel, peer, ErrorCode.TRY_AGAIN, OUT_OF_DESCRIPTORS);
      spare.hold();
    } else {
      admit(channel, peer);
    }
  }

  private void admit(EpollDomainSocketChannel channel, PeerCredentials peer) throws IOException {
    int uid = (int) peer.uid();
    Optional<String> full = admission.enter(uid);
    if (full.isPresent()) {
      refuse(channel, peer, ErrorCode.TRY_AGAIN, full.get());
      return;
    }
    Watch.Registration process;
    try {
      Fd socket = Fd.borrow(channel.fd().intValue());
      process = processes.join(uid, peer.pid(), socket, () -> context.endings().add(channel));
    } catch (IOException _) {
      admission.leave(uid);
      refuse(channel, peer, ErrorCode.TRY_AGAIN, OUT_OF_DESCRIPTORS);
      return;
    }
    Connection connection = new Connection(channel, context, peer, service);
    connections.add(connection);
    channel
        .closeFuture()
        .addListener(_ -> {
          process.close();
          connection.onceRead(() -> admission.leave(uid));
          connections.remove(connection);
          noticeEmpty();
        });
    channel.pipeline().addLast(connection);
    var _ = context.loop().register(channel);
  }

  private void noticeEmpty() {
    if (stopping && connections.isEmpty()) {
      empty.trySuccess(this);
    }
  }

  private void refuse(
      EpollDomainSocketChannel channel, PeerCredentials peer, ErrorCode code, String message)
      throws IOException {
    context.log().warn(peer.uid(), "refused", message);
    ByteBuffer frame = Replies.write(Reply.Failure.of(0, code, message), 0).encode();
    try {
      Descriptors.send(
          Fd.borrow(channel.fd().intValue()),
          context.scratch().clear().put(frame).flip(),
          List.of());
    } finally {
      channel.unsafe().closeForcibly();
    }
  }
}
