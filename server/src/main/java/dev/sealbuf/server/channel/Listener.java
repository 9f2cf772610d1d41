package dev.sealbuf.server.channel;

import dev.sealbuf.memory.ListeningSocket;
import dev.sealbuf.memory.ResourceLimits;
import dev.sealbuf.server.namespace.Namespaces;
import dev.sealbuf.server.session.Service;
import dev.sealbuf.server.watch.Watch;
import io.netty.channel.EventLoop;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;

/// The daemon's door: the socket at its path, and everybody who came in through it.
public final class Listener implements AutoCloseable {
  /// Connections the kernel keeps until the loop takes them; it caps this at net.core.somaxconn.
  private static final int BACKLOG = 4096;

  /// The longest that sessions which do not read hold up the end.
  private static final long GOODBYE_MILLIS = 500;

  private final EventLoop loop;
  private final SocketPath path;
  private final Acceptor acceptor;
  private final EpollServerDomainSocketChannel channel;

  private Listener(EventLoop loop, SocketPath path, Acceptor acceptor) {
    this.loop = loop;
    this.path = path;
    this.acceptor = acceptor;
    this.channel = new EpollServerDomainSocketChannel(path.socket().number(), true);
    channel.pipeline().addLast(acceptor);
  }

  /// Serves the stores at the path from now on.
  ///
  /// @param watch that tells of processes that end
  /// @param group whose members may connect besides the daemon's uid
  /// @param descriptors that connections may take, and what is sent over them
  public static Listener open(
      EventLoop loop,
      Path socket,
      Watch watch,
      OptionalLong group,
      long descriptors,
      Namespaces namespaces,
      String version)
      throws IOException {
    long heap = Runtime.getRuntime().maxMemory();
    PeerPolicy policy = PeerPolicy.of(group, namespaces::names);
    PeerProcesses processes = new PeerProcesses(watch);
    Admission admission = new Admission(descriptors, heap, processes);
    Service service = new Service(namespaces, version);
    LoopContext context = LoopContext.of(loop, watch, heap, ResourceLimits.openFiles());
    Acceptor acceptor = new Acceptor(context, policy, admission, processes, service);
    SocketPath path = SocketPath.claim(socket, group);
    try {
      ListeningSocket.listen(path.socket(), BACKLOG);
    } catch (IOException e) {
      path.close();
      throw e;
    }
    Listener listener = new Listener(loop, path, acceptor);
    loop.register(listener.channel).syncUninterruptibly();
    return listener;
  }

  /// Lets nobody in any more, tells all sessions and ends them, and removes the socket.
  @Override
  public void close() {
    channel.close().syncUninterruptibly();
    loop.submit(acceptor::stop).syncUninterruptibly();
    acceptor.empty().awaitUninterruptibly(GOODBYE_MILLIS);
    loop.submit(acceptor::close).syncUninterruptibly();
    path.close();
  }
}
