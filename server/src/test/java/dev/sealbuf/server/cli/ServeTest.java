package dev.sealbuf.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sealbuf.client.Jvm;
import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.server.TestClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The daemon as a process, under a plain uid where this one is root's: how it starts, and how it
/// ends.
@Tag("daemon")
@Timeout(60)
final class ServeTest {
  private static final int UID = 20_001;
  private static final long PATIENCE_SECONDS = 30;

  private final List<Process> started = new ArrayList<>();
  private Path folder;
  private Path socket;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Jvm.publicFolder();
    socket = folder.resolve("run").resolve("sealbuf.sock");
    if (isRoot()) {
      Files.setAttribute(folder, "unix:uid", UID);
    }
  }

  @AfterEach
  void endAll() {
    started.forEach(Process::destroyForcibly);
  }

  @Test
  void aStartAndAnEndAreThreeLinesAndClientsThatBehaveAreNone() throws Exception {
    Process daemon = serve();
    awaitStart(daemon);
    Process ping = run("ping", "--socket", socket.toString());
    await(ping);
    assertThat(ping.exitValue()).as("%s", log(ping)).isZero();
    end(daemon);
    assertThat(daemon.exitValue()).isZero();
    assertThat(log(daemon).lines().toList())
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .endsWith("starting: socket=%s capacity=67108864".formatted(socket)),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "sealbuf %s serving on %s capacity=67108864 pid=%d",
                        Version.number(), socket, daemon.pid()),
            line -> assertThat(line).endsWith("stopped"));
  }

  @Test
  void nothingIsLeftAtTheEnd() throws Exception {
    Process daemon = serve();
    awaitStart(daemon);
    assertThat(mode(socket)).isEqualTo("rw-------");
    assertThat(mode(socket.resolveSibling(""))).isEqualTo("rwx------");
    end(daemon);
    assertThat(socket.resolveSibling("")).isEmptyDirectory();
  }

  @Test
  void aSecondDaemonIsRefusedAndTheFirstGoesOn() throws Exception {
    Process first = serve();
    awaitStart(first);
    Process second = serve();
    await(second);
    assertThat(second.exitValue()).isEqualTo(Failures.REFUSED);
    assertThat(log(second))
        .endsWith(
            "sealbuf: cannot serve: a daemon already serves at this socket: path=%s%n"
                .formatted(socket));
    assertThat(first.isAlive()).isTrue();
    assertThat(socket).exists();
  }

  @Test
  void theSocketOfAKilledDaemonIsTakenOver() throws Exception {
    Process first = serve();
    awaitStart(first);
    first.destroyForcibly();
    await(first);
    assertThat(socket).exists();
    Process second = serve();
    awaitStart(second);
    end(second);
    assertThat(second.exitValue()).isZero();
  }

  @Test
  void aFileInThePlaceOfTheSocketIsLeftAlone() throws Exception {
    socket = Files.writeString(folder.resolve("sealbuf.sock"), "precious");
    Process daemon = serve();
    await(daemon);
    assertThat(daemon.exitValue()).isEqualTo(Failures.REFUSED);
    assertThat(log(daemon))
        .endsWith(
            "sealbuf: cannot serve: there is something that is no socket, and it is left alone:"
                + " path=%s%n".formatted(socket));
    assertThat(socket).hasContent("precious");
  }

  @Test
  void aCapacityThatIsTooSmallIsWrongUsage() throws Exception {
    Process daemon = serve("--capacity", "1KiB");
    await(daemon);
    assertThat(daemon.exitValue()).isEqualTo(Failures.USAGE);
    assertThat(log(daemon)).startsWith("capacity: out of bounds: bytes=1024 min=");
  }

  @Test
  void rootIsToldThatItIsNotServedAndLoggedOnceASecond() throws Exception {
    assumeTrue(isRoot(), "only root can be refused here: whoever else runs this is the daemon");
    Process daemon = serve();
    awaitStart(daemon);
    for (int i = 0; i < 50; i++) {
      try (TestClient root = TestClient.connect(socket)) {
        assertThat(root.receive())
            .isEqualTo(
                new Reply.Failure(
                    0,
                    "not_permitted",
                    "only the daemon's uid may connect: uid=0 daemon=20001; start the daemon with"
                        + " --group to share it"));
        assertThat(root.receiveOrEnd()).isEmpty();
      }
    }
    end(daemon);
    assertThat(log(daemon).lines().filter(line -> line.contains("refused: "))).hasSizeLessThan(10);
  }

  private Process serve(String... options) throws IOException {
    List<String> words = new ArrayList<>(List.of("serve", "--socket", socket.toString()));
    words.addAll(options.length > 0 ? List.of(options) : List.of("--capacity", "64MiB"));
    return run(words.toArray(String[]::new));
  }

  private Process run(String... words) throws IOException {
    List<String> command = new ArrayList<>();
    if (isRoot()) {
      command.addAll(List.of("setpriv", "--reuid=" + UID, "--regid=" + UID, "--clear-groups"));
      command.addAll(List.of("--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"));
    }
    command.addAll(Jvm.command(Main.class, words));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log" + started.size()).toFile())
            .start();
    started.add(process);
    return process;
  }

  private String log(Process process) throws IOException {
    return Files.readString(folder.resolve("log" + started.indexOf(process)));
  }

  private void awaitStart(Process daemon) throws IOException {
    while (!log(daemon).contains(" serving on ")) {
      assertThat(daemon.isAlive()).as("%s", log(daemon)).isTrue();
      LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }

  /// SIGTERM, and the five seconds that are promised.
  private static void end(Process daemon) throws InterruptedException {
    daemon.destroy();
    assertThat(daemon.waitFor(5, TimeUnit.SECONDS)).isTrue();
  }

  private static void await(Process process) throws InterruptedException {
    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  private static boolean isRoot() {
    return PeerCredentials.ownUid() == 0;
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
