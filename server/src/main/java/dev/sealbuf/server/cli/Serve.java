package dev.sealbuf.server.cli;

import dev.sealbuf.memory.Signals;
import dev.sealbuf.server.Daemon;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.host.HangUp;
import dev.sealbuf.server.host.ServiceManager;
import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `sealbuf serve`: a daemon in the foreground, until SIGTERM or SIGINT.
///
/// The JVM answers the first of these signals by running the shutdown hook, which ends the daemon
/// and then the process with status 0. The hook begins by giving the signals back to the kernel, so
/// a second one ends the process at once. SIGHUP is [Reload]'s.
@Command(name = "serve", description = "Run the daemon in the foreground.")
final class Serve implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger("dev.sealbuf");
  private static final long END_SECONDS = 4;

  @Spec private CommandSpec spec;
  @Mixin private ConfigurationOptions options;

  private final CompletableFuture<Daemon> daemon = new CompletableFuture<>();

  @Override
  public Integer call() throws InterruptedException {
    Configuration configuration;
    try {
      configuration = options.load();
    } catch (InvalidConfigurationException e) {
      e.problems().forEach(spec.commandLine().getErr()::println);
      return Failures.USAGE;
    }
    ServiceManager manager = ServiceManager.of(System.getenv());
    HangUp.handle(new Reload(daemon, manager, options, configuration));
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("end").unstarted(() -> end(manager)));
    LOG.info("starting: socket={} capacity={}", configuration.socket(), configuration.capacity());
    Daemon started;
    try {
      started = Daemon.start(configuration, Version.number());
      daemon.complete(started);
    } catch (IOException | RuntimeException e) {
      daemon.completeExceptionally(e);
      spec.commandLine().getErr().println("sealbuf: cannot serve: " + e.getMessage());
      return Failures.REFUSED;
    }
    manager.watchdogPeriod().ifPresent(period -> started.every(period, manager::alive));
    manager.ready("serving on " + configuration.socket());
    spec.commandLine()
        .getOut()
        .printf(
            "sealbuf %s serving on %s capacity=%d pid=%d%n",
            Version.number(),
            configuration.socket(),
            started.capacity(),
            ProcessHandle.current().pid())
        .flush();
    Thread.currentThread().join();
    return 0;
  }

  /// Runs when the process ends, for whatever reason. A daemon that never started leaves the exit
  /// status as it is.
  private void end(ServiceManager manager) {
    int status = 1;
    try {
      manager.stopping();
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
