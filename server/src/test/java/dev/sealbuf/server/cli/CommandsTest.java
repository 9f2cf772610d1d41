package dev.sealbuf.server.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.client.Jvm;
import dev.sealbuf.server.TestDaemon;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The commands of the command line, against a daemon in this process.
@Tag("daemon")
final class CommandsTest {
  private static TestDaemon daemon;

  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeAll
  static void start() {
    daemon = new TestDaemon();
  }

  @AfterAll
  static void stop() {
    daemon.close();
  }

  @AfterEach
  void removeAll() {
    JsonNode buffers = json("ls", "--json");
    buffers.forEach(buffer -> run("rm", buffer.get("name").asString()));
  }

  @Test
  void everyCommandExplainsItself() {
    List<List<String>> commands = new ArrayList<>(List.of(List.of("config", "check")));
    Main.commandLine().getSubcommands().keySet().forEach(name -> commands.add(List.of(name)));
    for (List<String> command : commands) {
      List<String> words = new ArrayList<>(command);
      words.add("--help");
      assertThat(execute(words.toArray(String[]::new))).as(err.toString()).isZero();
      assertThat(out.toString()).startsWith("Usage: sealbuf " + String.join(" ", command));
      assertThat(err.toString()).isEmpty();
    }
  }

  @Test
  void aFileOfAnySizeComesBackAsItWas() throws IOException {
    for (int size : new int[] {0, 1, 262_144, 262_145, 5_000_000}) {
      Path file = Files.write(folder.resolve("in" + size), random(size));
      assertThat(run("put", "b" + size, file.toString())).as(err.toString()).isZero();
      Path copy = folder.resolve("out" + size);
      assertThat(run("get", "b" + size, "-o", copy.toString())).as(err.toString()).isZero();
      assertThat(copy).hasSameBinaryContentAs(file);
    }
  }

  @Test
  void standardInputIsReadToItsEnd() throws Exception {
    byte[] bytes = random(3_000_000);
    Process put = start("put", "stream");
    try (OutputStream in = put.getOutputStream()) {
      in.write(bytes);
    }
    assertThat(put.waitFor()).isZero();
    Process get = start("get", "stream");
    assertThat(get.getInputStream().readAllBytes()).isEqualTo(bytes);
    assertThat(get.waitFor()).isZero();
  }

  @Test
  void listingsAreTablesForPeopleAndExactForPrograms() throws IOException {
    Path file = Files.write(folder.resolve("f"), random(300_000));
    run("put", "Größe/1", file.toString());
    assertThat(run("ls")).isZero();
    assertThat(out.toString().lines().toList().getFirst())
        .isEqualTo("NAME       BYTES  FORMAT   SHAPE  AGE  OWNER");
    assertThat(out.toString().lines().toList().get(1))
        .startsWith("Größe/1  293 KiB  B       300000");
    JsonNode listed = json("ls", "Grö", "--json");
    assertThat(listed.get(0).get("nbytes").asLong()).isEqualTo(300_000);
    assertThat(json("ls", "other", "--json")).isEmpty();
  }

  @Test
  void rmDeletesWhatItCanAndReportsTheRest() throws IOException {
    Path file = Files.write(folder.resolve("f"), random(10));
    run("put", "there", file.toString());
    assertThat(run("rm", "absent", "there")).isEqualTo(Failures.REFUSED);
    assertThat(err.toString()).startsWith("sealbuf: ").contains("name=absent");
    assertThat(json("ls", "--json")).isEmpty();
  }

  @Test
  void whatTheStoreRefusesIsAStatusAndASentence() throws IOException {
    assertThat(run("get", "absent")).isEqualTo(Failures.REFUSED);
    assertThat(err.toString()).startsWith("sealbuf: ").contains("name=absent");
    Path file = Files.write(folder.resolve("f"), random(10));
    run("put", "taken", file.toString());
    assertThat(run("put", "taken", file.toString())).isEqualTo(Failures.REFUSED);
    assertThat(run("ls", "--namespace", "other")).isEqualTo(Failures.REFUSED);
    assertThat(run("put", "name", folder.resolve("absent").toString())).isEqualTo(Failures.REFUSED);
    assertThat(err.toString())
        .isEqualTo("sealbuf: no such file: path=%s%n".formatted(folder.resolve("absent")));
  }

  @Test
  void figuresAreForPeopleOrExact() {
    assertThat(run("stat")).isZero();
    assertThat(out.toString()).containsPattern("capacity +64.0 MiB\n");
    assertThat(json("stat", "--json").get("capacity").asLong()).isEqualTo(64 << 20);
  }

  @Test
  void pingSaysWhoAnswered() {
    assertThat(run("ping")).isZero();
    assertThat(out.toString())
        .matches(
            "sealbuf 0.0.0-test at %s answered in \\d+\\.\\d+ ms\\R".formatted(daemon.socket()));
  }

  @Test
  void doctorHasALineForEachThingAndOneForTheDaemon() {
    assertThat(run("doctor")).isZero();
    assertThat(out.toString().lines()).allMatch(line -> line.matches("(ok|warn| {4}) .*"));
    assertThat(out.toString())
        .contains("kernel", "seals", "noexec", "huge pages", "dumpable", "descriptors", "memory")
        .contains("container", "namespace", "native code", "socket folder", "clients")
        .contains("sealbuf 0.0.0-test answers: socket=" + daemon.socket());
    JsonNode findings = json("doctor", "--json");
    assertThat(findings).isNotEmpty();
    assertThat(findings)
        .allSatisfy(each ->
            assertThat(each.get("ok").asBoolean())
                .isEqualTo(each.get("advice").asString().isEmpty()));
  }

  @Test
  void noDaemonIsAStatusOfItsOwn() {
    String nowhere = folder.resolve("none.sock").toString();
    assertThat(runAt(nowhere, "ping")).isEqualTo(Failures.NO_DAEMON);
    assertThat(err.toString()).startsWith("sealbuf: ").contains("socket=" + nowhere);
    assertThat(runAt(nowhere, "doctor")).isZero();
  }

  @Test
  void wrongUsageIsAStatusOfItsOwn() {
    assertThat(run("put")).isEqualTo(Failures.USAGE);
    assertThat(Main.commandLine().setErr(new PrintWriter(err)).execute("frobnicate"))
        .isEqualTo(Failures.USAGE);
  }

  private int run(String command, String... arguments) {
    return runAt(daemon.socket().toString(), command, arguments);
  }

  private int runAt(String socket, String command, String... arguments) {
    return execute(withSocket(socket, command, arguments).toArray(String[]::new));
  }

  private int execute(String... words) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return Main.commandLine(words)
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(words);
  }

  private JsonNode json(String command, String... arguments) {
    assertThat(run(command, arguments)).as(err.toString()).isZero();
    return new JsonMapper().readTree(out.toString().getBytes(UTF_8));
  }

  private static Process start(String command, String... arguments) throws IOException {
    List<String> words = withSocket(daemon.socket().toString(), command, arguments);
    return new ProcessBuilder(Jvm.command(Main.class, words.toArray(String[]::new)))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static List<String> withSocket(String socket, String command, String... arguments) {
    List<String> words = new ArrayList<>(List.of(command, "--socket", socket));
    words.addAll(List.of(arguments));
    return words;
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new SplittableRandom(size).nextBytes(bytes);
    return bytes;
  }
}
