package dev.sealbuf.server.cli;

import dev.sealbuf.memory.Signals;
import dev.sealbuf.server.Daemon;
import dev.sealbuf.server.store.StoreConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `sealbuf serve`: a daemon in the foreground, until SIGTERM or SIGINT.
///
/// The JVM answers the first of these signals by running the shutdown hook, which ends the daemon
/// and then the process with status 0. The hook begins by giving the signals back to the kernel, so
/// a second one ends the process at once.
@Command(name = "serve", description = "Run the daemon in the foreground.")
final class Serve implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger("dev.sealbuf");
  private static final long END_SECONDS = 4;
  private static final long CAPACITY_DEFAULT = 1L << 30;

  @Spec private CommandSpec spec;
  @Mixin private SocketOption socket;

  @Option(
      names = "--capacity",
      paramLabel = "SIZE",
      converter = ByteSize.class,
      description = "Memory the store may take, such as 4GiB (default: 1GiB).")
  private @Nullable Long capacity;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Configuration, a JSON object; other options win over it.")
  private @Nullable Path config;

  @Option(
      names = "--group",
      paramLabel = "GID|NAME",
      converter = GroupId.class,
      description = "Group whose members may connect besides the daemon's own uid.")
  private @Nullable Long group;

  private final CompletableFuture<Daemon> daemon = new CompletableFuture<>();

  @Override
  public Integer call() throws InterruptedException {
    Daemon.Options options = options();
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("end").unstarted(this::end));
    LOG.info("starting: socket={} capacity={}", options.socket(), options.capacity());
    Daemon started;
    try {
      started = Daemon.start(options);
      daemon.complete(started);
    } catch (IOException | RuntimeException e) {
      daemon.completeExceptionally(e);
      spec.commandLine().getErr().println("sealbuf: cannot serve: " + e.getMessage());
      return 1;
    }
    spec.commandLine()
        .getOut()
        .printf(
            "sealbuf %s serving on %s capacity=%d pid=%d%n",
            options.version(), options.socket(), started.capacity(), ProcessHandle.current().pid())
        .flush();
    Thread.currentThread().join();
    return 0;
  }

  private Daemon.Options options() {
    ConfigFile file = configFile();
    long bytes = capacity == null ? file.capacity().orElse(CAPACITY_DEFAULT) : capacity;
    checkCapacity(bytes);
    return new Daemon.Options(socket.path(), bytes, file.policy(), group(), Version.number());
  }

  private ConfigFile configFile() {
    try {
      return config == null ? ConfigFile.EMPTY : ConfigFile.read(config);
    } catch (ConfigFile.InvalidException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private void checkCapacity(long capacity) {
    if (capacity < StoreConfig.CAPACITY_MIN || capacity > StoreConfig.CAPACITY_MAX) {
      throw new ParameterException(
          spec.commandLine(),
          "capacity out of bounds: bytes=%d min=%d max=%d"
              .formatted(capacity, StoreConfig.CAPACITY_MIN, StoreConfig.CAPACITY_MAX));
    }
  }

  private OptionalLong group() {
    return group == null ? OptionalLong.empty() : OptionalLong.of(group);
  }

  /// Runs when the process ends, for whatever reason. A daemon that never started leaves the exit
  /// status as it is.
  private void end() {
    int status = 1;
    try {
      Signals.restoreDefault(Signals.SIGTERM);
      Signals.restoreDefault(Signals.SIGINT);
      daemon.thenAcceptAsync(Daemon::close).get(END_SECONDS, TimeUnit.SECONDS);
      LOG.info("stopped");
      status = 0;
    } catch (ExecutionException e) {
      if (daemon.isCompletedExceptionally()) {
        return;
      }
      LOG.error("ended with a failure", e.getCause());
    } catch (TimeoutException | InterruptedException | IOException e) {
      LOG.error("did not end in time: seconds={}", END_SECONDS, e);
    }
    Runtime.getRuntime().halt(status);
  }
}
