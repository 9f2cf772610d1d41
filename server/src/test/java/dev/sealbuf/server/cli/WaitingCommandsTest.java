package dev.sealbuf.server.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.client.Jvm;
import dev.sealbuf.client.PutOptions;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.server.TestDaemon;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Commands that replace, wait and watch, against a daemon in this process.
@Tag("daemon")
@Timeout(60)
final class WaitingCommandsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir private Path folder;

  private final StringWriter err = new StringWriter();
  private TestDaemon daemon;
  private Sealbuf store;

  @BeforeEach
  void start() {
    daemon = new TestDaemon();
    store = Sealbuf.connect(daemon.socket(), PATIENCE);
  }

  @AfterEach
  void stop() {
    store.close();
    daemon.close();
  }

  @Test
  void putReplacesOnlyWhenAsked() throws IOException {
    for (int nbytes : new int[] {3, 300_000}) {
      store.put("name", new byte[10], PutOptions.NONE.replacing());
      String file = Files.write(folder.resolve("f"), new byte[nbytes]).toString();
      assertThat(run("put", "name", file)).isEqualTo(Failures.REFUSED);
      assertThat(err.toString()).startsWith("sealbuf: ").contains("name=name");
      assertThat(run("put", "name", file, "--replace")).as(err.toString()).isZero();
      assertThat(store.list("name").getFirst().nbytes()).isEqualTo(nbytes);
    }
  }

  @Test
  void getWaitsAsLongAsItIsTold() throws Exception {
    Path output = folder.resolve("out");
    Thread get =
        Thread.ofPlatform()
            .start(() -> run("get", "late", "--timeout", "20", "-o", output.toString()));
    store.put("late", new byte[] {1, 2, 3});
    get.join(PATIENCE);
    assertThat(Files.readAllBytes(output)).containsExactly(1, 2, 3);
    assertThat(run("get", "never", "--timeout", "0.05")).isEqualTo(Failures.REFUSED);
    assertThat(err.toString()).startsWith("sealbuf: ").contains("name=never");
  }

  @Test
  void spansAndSecondsThatCannotBeAreWrongUsage() {
    for (String ttl : List.of("10", "0s", "1y", "101d101d", "9999999999999d")) {
      assertThat(run("put", "name", "--ttl", ttl)).as(ttl).isEqualTo(Failures.USAGE);
    }
    for (String timeout : List.of("-1", "1s", "", "1e9", ".5")) {
      assertThat(run("get", "name", "--timeout", timeout)).as(timeout).isEqualTo(Failures.USAGE);
    }
    assertThat(err.toString())
        .contains("a timeout is a number of seconds, such as 2 or 0.5: timeout=.5");
  }

  @Test
  void watchPrintsALineForEachEventAndEndsWithItsReader() throws Exception {
    long before = store.put("w/before", new byte[5]).version();
    Process watch = start("watch", "w/", "--replay");
    try (BufferedReader lines = watch.inputReader(UTF_8)) {
      long owner = store.list("w/").getFirst().owner();
      assertThat(lines.readLine())
          .isEqualTo("sealed version=%d nbytes=5 owner=%d name=w/before".formatted(before, owner));
      long version = store.put("w/with blanks", new byte[1]).version();
      store.delete("w/with blanks");
      String rest = " version=%d nbytes=1 owner=%d name=w/with blanks".formatted(version, owner);
      assertThat(lines.readLine()).isEqualTo("sealed" + rest);
      assertThat(lines.readLine()).isEqualTo("deleted" + rest);
    }
    boolean ended = false;
    for (int i = 0; i < 200 && !ended; i++) {
      store.put("w/more", new byte[1], PutOptions.NONE.replacing());
      ended = watch.waitFor(100, MILLISECONDS);
    }
    watch.destroyForcibly();
    assertThat(ended).as("nobody reads what it prints").isTrue();
    assertThat(watch.exitValue()).isZero();
  }

  @Test
  void watchEndsWithTheSignalOfCtrlC() throws Exception {
    Process watch = start("watch", "--replay");
    store.put("first", new byte[1]);
    assertThat(watch.inputReader(UTF_8).readLine()).startsWith("sealed ");
    assertThat(new ProcessBuilder("kill", "-INT", "" + watch.pid()).start().waitFor()).isZero();
    assertThat(watch.waitFor(20, SECONDS)).isTrue();
    assertThat(watch.getErrorStream().readAllBytes()).asString(UTF_8).doesNotContain("Exception");
  }

  private int run(String command, String... arguments) {
    err.getBuffer().setLength(0);
    return Main.commandLine()
        .setOut(new PrintWriter(new StringWriter()))
        .setErr(new PrintWriter(err))
        .execute(words(command, arguments).toArray(String[]::new));
  }

  /// With SIGINT as it is at a terminal: whoever runs the tests in the background ignores it, and
  /// so would the command.
  private Process start(String command, String... arguments) throws IOException {
    List<String> words = new ArrayList<>(List.of("env", "--default-signal=INT"));
    words.addAll(Jvm.command(Main.class, words(command, arguments).toArray(String[]::new)));
    return new ProcessBuilder(words).start();
  }

  private List<String> words(String command, String... arguments) {
    List<String> words = new ArrayList<>(List.of(command, "--socket", daemon.socket().toString()));
    words.addAll(List.of(arguments));
    return words;
  }
}
