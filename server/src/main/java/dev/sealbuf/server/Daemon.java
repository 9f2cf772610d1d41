package dev.sealbuf.server;

import dev.sealbuf.memory.ProcessGuard;
import dev.sealbuf.memory.ResourceLimits;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Requests;
import dev.sealbuf.server.channel.CannotServeException;
import dev.sealbuf.server.channel.Listener;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.namespace.Namespaces;
import dev.sealbuf.server.store.StoreConfig;
import dev.sealbuf.server.watch.Watch;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A running daemon: one event loop, the stores it owns, and the socket it serves them at.
///
/// The order of the start is part of the guarantee: the process is hidden from others before it has
/// anything to hide, and nobody can connect before there are stores.
public final class Daemon implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);

  private static final ThreadFactory THREADS =
      work -> Thread.ofPlatform().name("sealbuf-loop").unstarted(work);

  private final EventLoopGroup group;
  private final EventLoop loop;
  private final Watch watch;
  private final Namespaces namespaces;
  private final Listener listener;

  private Daemon(EventLoopGroup group, Watch watch, Namespaces namespaces, Listener listener) {
    this.group = group;
    this.loop = group.next();
    this.watch = watch;
    this.namespaces = namespaces;
    this.listener = listener;
  }

  /// What the stores may take together: what they were told, or less.
  public long capacity() {
    return loop.submit(namespaces::capacity).syncUninterruptibly().getNow();
  }

  /// Starts to serve.
  ///
  /// @throws CannotServeException when it must not, or cannot; nothing is left behind then
  public static Daemon start(Configuration configuration, String version) throws IOException {
    ProcessGuard.hide();
    warmUp();
    EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, THREADS, EpollIoHandler.newFactory());
    try {
      return start(configuration, version, group);
    } catch (IOException | RuntimeException e) {
      end(group);
      throw e;
    }
  }

  private static Daemon start(Configuration configuration, String version, EventLoopGroup group)
      throws IOException {
    Watch watch = Watch.start(group.next());
    try {
      return start(configuration, version, group, watch);
    } catch (IOException | RuntimeException e) {
      closeWatch(group.next(), watch);
      throw e;
    }
  }

  private static Daemon start(
      Configuration configuration, String version, EventLoopGroup group, Watch watch)
      throws IOException {
    EventLoop loop = group.next();
    long openFiles = ResourceLimits.openFiles();
    int segmentsMax = StoreConfig.segmentsMax(openFiles, Runtime.getRuntime().maxMemory());
    Namespaces namespaces =
        on(
            loop,
            () -> Namespaces.open(configuration.namespaces(), segmentsMax, version, loop, watch));
    try {
      Listener listener =
          Listener.open(
              loop,
              configuration.socket(),
              watch,
              configuration.group(),
              openFiles - segmentsMax,
              namespaces,
              version);
      Daemon daemon = new Daemon(group, watch, namespaces, listener);
      warnOfLess(daemon.capacity(), configuration.capacity());
      return serving(daemon, configuration.socket());
    } catch (IOException | RuntimeException e) {
      close(loop, namespaces);
      throw e;
    }
  }

  private static Daemon serving(Daemon daemon, Path socket) throws IOException {
    try {
      WarmUp.run(socket);
      return daemon;
    } catch (IOException | RuntimeException e) {
      daemon.listener.close();
      throw e;
    }
  }

  private static void warnOfLess(long capacity, long asked) {
    if (capacity < asked) {
      LOG.warn(
          "the capacity stays below the limit of the control group: capacity={} asked={}",
          capacity,
          asked);
    }
  }

  /// Goes on with what of the configuration can be changed, see [Namespaces#change].
  ///
  /// @throws IOException when the control group leaves too little; then nothing is changed
  public void change(Configuration next) throws IOException {
    on(
        loop,
        () -> {
          namespaces.change(next.namespaces());
          return namespaces;
        });
    warnOfLess(capacity(), next.capacity());
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

  /// Runs something on the loop every so often: it is run for as long as the loop turns.
  public void every(Duration period, Runnable work) {
    long nanos = period.toNanos();
    var _ = loop.scheduleAtFixedRate(work, 0, nanos, TimeUnit.NANOSECONDS);
  }

  /// Lets nobody in any more, ends all sessions, removes the socket, and then the store.
  @Override
  public void close() {
    listener.close();
    close(loop, namespaces);
    closeWatch(loop, watch);
    end(group);
  }

  private static void closeWatch(EventLoop loop, Watch watch) {
    loop.submit(watch::close).syncUninterruptibly();
  }

  private static void close(EventLoop loop, Namespaces namespaces) {
    try {
      on(
          loop,
          () -> {
            namespaces.close();
            return namespaces;
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
