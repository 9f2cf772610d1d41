package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Descriptors;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.TestClient;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.Given;
import dev.sealbuf.server.config.Key;
import dev.sealbuf.server.config.Setting;
import dev.sealbuf.server.namespace.Namespaces;
import dev.sealbuf.server.session.Service;
import dev.sealbuf.server.store.Refusal;
import dev.sealbuf.server.watch.Watch;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A connection over one end of a pair of sockets, on a loop on which the test looks, too.
@ExtendWith(LeakCheck.class)
@Timeout(60)
final class EndingsTest {
  private static final int SEGMENTS_MAX = 100;
  private static final long OPEN_FILES = 1000;

  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final EventLoop loop = group.next();
  private final int[] pair = Libc.socketPair();
  private final EpollDomainSocketChannel channel = new EpollDomainSocketChannel(pair[0]);
  private final Watch watch;
  private final Namespaces namespaces;
  private final PeerCredentials peer;
  private final LoopContext context;
  private final Connection connection;

  EndingsTest() throws Exception {
    watch = Watch.start(loop);
    namespaces = on(this::namespaces);
    peer = PeerCredentials.of(Fd.borrow(pair[0]));
    context = LoopContext.of(loop, watch, Runtime.getRuntime().maxMemory(), OPEN_FILES);
    connection = on(() -> new Connection(channel, context, peer, new Service(namespaces, "test")));
    channel.pipeline().addLast(connection);
    loop.register(channel).sync();
    byte[] hello = TestClient.bytes(new Request.Hello(1, "default", "test"));
    ByteBuffer bytes = ByteBuffer.allocateDirect(hello.length).put(hello).flip();
    Descriptors.send(Fd.borrow(pair[1]), bytes, List.of());
    awaitSessions(1);
  }

  @AfterEach
  void end() throws Exception {
    channel.close().sync();
    on(() -> {
      context.flight().close(); // the catalog's descriptor was not read
      namespaces.close();
      watch.close();
      return namespaces;
    });
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    Libc.call("close", pair[1]);
  }

  private Namespaces namespaces() throws Exception {
    Configuration configuration =
        Configuration.load(
            Optional.empty(),
            Map.of(),
            List.of(new Given(Key.of(Setting.CAPACITY), "64MiB", "test")));
    return Namespaces.open(configuration.namespaces(), SEGMENTS_MAX, "test", loop, watch);
  }

  private <T> T on(Callable<T> work) throws Exception {
    return loop.submit(work).sync().getNow();
  }

  private long sessions() throws Refusal {
    return namespaces.enter("default", peer).store().statistics((int) peer.uid()).sessions();
  }

  private void awaitSessions(long count) throws Exception {
    while (on(this::sessions) != count) {
      TimeUnit.MILLISECONDS.sleep(1);
    }
  }

  /// So that the time which a turn gives to endings contains what they take.
  @Test
  void theSessionHasEndedWhenItsChannelIsClosed() throws Exception {
    long left =
        on(() -> {
          var _ = channel.close();
          return sessions();
        });
    assertThat(left).isZero();
  }

  /// It may be given up while the store goes through what others wait for.
  @Test
  void oneThatIsGivenUpEndsInALaterTurn() throws Exception {
    long left =
        on(() -> {
          connection.gaveUp("the test says so");
          connection.gone();
          return sessions();
        });
    assertThat(left).isOne();
    channel.closeFuture().sync();
    assertThat(on(this::sessions)).isZero();
  }
}
