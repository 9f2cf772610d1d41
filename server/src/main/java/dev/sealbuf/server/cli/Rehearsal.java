package dev.sealbuf.server.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// What an AOT cache is trained with (`scripts/aot-cache`): a daemon and each command that people
/// and health checks call, once, in one process, so that one cache serves them all.
///
/// `Rehearsal SOCKET`. Exit status 0 when every command did what it should.
public final class Rehearsal {
  private static final int LARGE = 1 << 20;
  private static final int TRIALS = 400;
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(50);

  private final String socket;

  private Rehearsal(String socket) {
    this.socket = socket;
  }

  /// Plays it through, and ends the process.
  public static void main(String[] arguments) throws IOException {
    Rehearsal rehearsal = new Rehearsal(arguments[0]);
    Thread.ofPlatform().daemon().name("serve").start(() -> rehearsal.run("serve"));
    rehearsal.awaitDaemon();
    System.exit(rehearsal.play() ? 0 : 1);
  }

  private void awaitDaemon() {
    for (int trial = 0; trial < TRIALS && !Files.exists(Path.of(socket)); trial++) {
      LockSupport.parkNanos(PAUSE);
    }
  }

  private boolean play() throws IOException {
    Path small = Files.write(Path.of(socket + ".small"), new byte[1]);
    Path large = Files.write(Path.of(socket + ".large"), new byte[LARGE]);
    return IntStream.of(
            run("ping"),
            run("put", "small", small.toString()),
            run("put", "large", large.toString()),
            run("get", "small"),
            run("ls"),
            run("stat", "--json"),
            run("holders"),
            run("rm", "small", "large"),
            run("doctor"))
        .allMatch(status -> status == 0);
  }

  private int run(String... command) {
    return Main.commandLine(command)
        .execute(
            Stream.concat(Stream.of(command), Stream.of("--socket", socket))
                .toArray(String[]::new));
  }
}
