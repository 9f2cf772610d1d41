package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.client.Jvm;
import dev.sealbuf.server.cli.Main;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A program on the host.
final class Command {
  private static final long PATIENCE_SECONDS = 300;

  private final List<String> words;
  private Path folder = Path.of("").toAbsolutePath();

  private Command(List<String> words) {
    this.words = words;
  }

  static Command of(String... words) {
    return new Command(List.of(words));
  }

  /// A command of Sealbuf's, by a uid without any capability.
  static Command sealbuf(int uid, int gid, String... arguments) {
    return new Command(privileges(uid, gid, Jvm.command(Main.class, arguments)));
  }

  /// The same in a user namespace of its own, whose root that uid is.
  static Command sealbufInUserNamespace(int uid, int gid, String... arguments) {
    List<String> words = new ArrayList<>(List.of("unshare", "--user", "--map-root-user"));
    words.addAll(Jvm.command(Main.class, arguments));
    return new Command(privileges(uid, gid, words));
  }

  private static List<String> privileges(int uid, int gid, List<String> command) {
    List<String> words = new ArrayList<>(List.of("setpriv", "--reuid=" + uid, "--regid=" + gid));
    words.addAll(List.of("--clear-groups", "--bounding-set=-all", "--inh-caps=-all"));
    words.add("--no-new-privs");
    words.addAll(command);
    return words;
  }

  Command in(Path place) {
    folder = place;
    return this;
  }

  Finished run() {
    try {
      Path log = Files.createTempFile("sealbuf-test-", ".log");
      Process process = start(log);
      boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      String output = Files.readString(log, StandardCharsets.UTF_8);
      Files.delete(log);
      assertThat(ended).as("%s", output).isTrue();
      return new Finished(process.exitValue(), output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
  }

  /// Does not wait for it.
  Process start(Path log) throws IOException {
    return new ProcessBuilder(words)
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
        .redirectOutput(log.toFile())
        .start();
  }
}
