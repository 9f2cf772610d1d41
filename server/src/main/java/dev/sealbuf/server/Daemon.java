package dev.sealbuf.server;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.memory.ProcessGuard;
import dev.sealbuf.memory.ResourceLimits;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Requests;
import dev.sealbuf.server.channel.CannotServeException;
import dev.sealbuf.server.channel.Listener;
import dev.sealbuf.server.store.NamespacePolicy;
import dev.sealbuf.server.store.Store;
import dev.sealbuf.server.store.StoreConfig;
import dev.sealbuf.server.watch.Watch;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A running daemon: one event loop, the store it owns, and the socket it serves the store at.
///
/// The order of the start is part of the guarantee: the process is hidden from others before it has
/// anything to hide, and nobody can connect before there is a store.
public final class Daemon implements AutoCloseable {
  /// What `serve` was told.
  ///
  /// @param group whose members may connect besides the daemon's uid
  public record Options(
      Path socket, long capacity, NamespacePolicy policy, OptionalLong group, String version) {}

  private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);

  private static final ThreadFactory THREADS =
      work -> Thread.ofPlatform().name("sealbuf-loop").unstarted(work);

  private final EventLoopGroup group;
  private final EventLoop loop;
  private final Watch watch;
  private final Store store;
  private final Listener listener;
  private final long capacity;

  private Daemon(EventLoopGroup group, Watch watch, Store store, Listener listener, long capacity) {
    this.group = group;
    this.loop = group.next();
    this.watch = watch;
    this.store = store;
    this.listener = listener;
    this.capacity = capacity;
  }

  /// What the store may take: what it was told, or less.
  public long capacity() {
    return capacity;
  }

  /// Starts to serve.
  ///
  /// @throws CannotServeException when it must not, or cannot; nothing is left behind then
  public static Daemon start(Options options) throws IOException {
    ProcessGuard.hide();
    warmUp();
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, THREADS, EpollIoHandler.newFactory());
    try {
      return start(options, group);
    } catch (IOException | RuntimeException e) {
      end(group);
      throw e;
    }
  }

  private static Daemon start(Options options, EventLoopGroup group) throws IOException {
    Watch watch = Watch.start(group.next());
    try {
      return start(options, group, watch);
    } catch (IOException | RuntimeException e) {
      closeWatch(group.next(), watch);
      throw e;
    }
  }

  private static Daemon start(Options options, EventLoopGroup group, Watch watch)
      throws IOException {
    EventLoop loop = group.next();
    int uid = (int) PeerCredentials.ownUid();
    StoreConfig config =
        StoreConfig.of(options.capacity(), uid, options.version(), options.policy());
    if (config.capacity() < options.capacity()) {
      LOG.warn(
          "the capacity stays below the limit of the control group: capacity={} asked={}",
          config.capacity(),
          options.capacity());
    }
    Store store = on(loop, () -> Store.open(config, loop, watch));
    try {
      Listener listener =
          Listener.open(
              loop,
              options.socket(),
              watch,
              options.group(),
              ResourceLimits.openFiles() - config.segmentsMax(),
              store,
              options.version());
      return serving(new Daemon(group, watch, store, listener, config.capacity()), options);
    } catch (IOException | RuntimeException e) {
      closeStore(loop, store);
      throw e;
    }
  }

  private static Daemon serving(Daemon daemon, Options options) throws IOException {
    try {
      WarmUp.run(options.socket());
      return daemon;
    } catch (IOException | RuntimeException e) {
      daemon.listener.close();
      throw e;
    }
  }

  /// What the first client would otherwise wait for, or what would need descriptors when there may
  /// be none left.
  private static void warmUp() throws CannotServeException {
    try {
      Epoll.ensureAvailability();
    } catch (UnsatisfiedLinkError e) {
      throw new CannotServeException(
          "Netty's native library cannot be loaded; if the temporary folder is mounted noexec,"
              + " name another with SEALBUF_JAVA_OPTS=-Dio.netty.native.workdir=DIR: reason="
              + e.getMessage());
    }
    Requests.warmUp();
    Replies.warmUp();
  }

  /// Lets nobody in any more, ends all sessions, removes the socket, and then the store.
  @Override
  public void close() {
    listener.close();
    closeStore(loop, store);
    closeWatch(loop, watch);
    end(group);
  }

  private static void closeWatch(EventLoop loop, Watch watch) {
    loop.submit(watch::close).syncUninterruptibly();
  }

  private static void closeStore(EventLoop loop, Store store) {
    try {
      on(
          loop,
          () -> {
            store.close();
            return store;
          });
    } catch (IOException e) {
      throw new AssertionError("closing a store does no I/O that fails", e);
    }
  }

  private static void end(EventLoopGroup group) {
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
  }

  private static <T> T on(EventLoop loop, Callable<T> work) throws IOException {
    return loop.submit(work).syncUninterruptibly().getNow();
  }
}
