package dev.sealbuf.server.cli;

import dev.sealbuf.memory.Signals;
import dev.sealbuf.server.verify.Report;
import dev.sealbuf.server.verify.Verification;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `sealbuf verify`: processes that publish, read, attack and are killed, and an exit status that
/// says whether every byte was what it should be.
///
/// SIGINT and SIGTERM end it early with its summary: the JVM runs the shutdown hook, which waits
/// for that. A second one ends it at once.
@Command(name = "verify", description = "Prove on this machine that what is sealed stays as it is.")
final class Verify implements Callable<Integer> {
  private static final String PYTHON = "python3";
  private static final double KILLS_MAX = 20;

  @Spec private CommandSpec spec;

  @Option(
      names = "--duration",
      paramLabel = "SPAN",
      defaultValue = "60s",
      converter = TimeToLive.class,
      description = "How long, such as 90s or 30m (default: ${DEFAULT-VALUE}).")
  private Duration duration;

  @Option(
      names = "--kills",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Producers to kill a second, and as many readers; 0 for none, at most 20 (default:"
              + " ${DEFAULT-VALUE}).")
  private double kills;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Makes the same choices again, though not at the same moments.")
  private @Nullable Long seed;

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description =
          "A running daemon's socket; names begin with verify/. Otherwise a private daemon is"
              + " started.")
  private @Nullable Path socket;

  @Option(
      names = "--namespace",
      paramLabel = "NAME",
      defaultValue = "default",
      description = "The namespace (default: ${DEFAULT-VALUE}).")
  private String namespace;

  @Option(
      names = "--python",
      paramLabel = "PROGRAM",
      description = "A Python with sealbuf in it; otherwise python3, if it has.")
  private @Nullable String python;

  @Option(names = "--json", description = "A JSON object a line.")
  private boolean json;

  private final CompletableFuture<Integer> status = new CompletableFuture<>();

  @Override
  public Integer call() throws InterruptedException {
    if (!(kills >= 0 && kills <= KILLS_MAX)) {
      throw new ParameterException(
          spec.commandLine(), "kills are 0 to 20 a second: kills=" + kills);
    }
    Verification verification =
        new Verification(plan(), new Report(spec.commandLine().getOut(), json));
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("end").unstarted(() -> end(verification)));
    try {
      status.complete(verification.run() ? Failures.DONE : Failures.REFUSED);
      return status.join();
    } finally {
      status.complete(Failures.REFUSED); // unless it is known already
    }
  }

  private Verification.Plan plan() {
    return new Verification.Plan(
        duration,
        kills,
        seed == null ? ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE) : seed,
        Optional.ofNullable(socket),
        namespace,
        findPython());
  }

  private Optional<String> findPython() {
    String candidate = python == null ? PYTHON : python;
    if (Verification.isUsable(candidate)) {
      return Optional.of(candidate);
    }
    if (python != null) {
      throw new ParameterException(
          spec.commandLine(), "this Python has no sealbuf of this version: python=" + python);
    }
    return Optional.empty();
  }

  /// Runs when the process ends, for whatever reason.
  private void end(Verification verification) {
    if (status.isDone()) {
      return;
    }
    try {
      Signals.restoreDefault(Signals.SIGINT);
      Signals.restoreDefault(Signals.SIGTERM);
    } catch (IOException _) {
      // Then only SIGKILL ends it at once.
    }
    verification.interrupt();
    Runtime.getRuntime().halt(status.join());
  }
}
