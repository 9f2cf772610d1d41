package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Java and Python read each other's buffers, every combination over one list.
@Tag("daemon")
@Timeout(180)
@ExtendWith(Unprivileged.class)
class ScenarioTest {
  private static final long PROGRAM_SECONDS = 60;

  @Test
  void javaReadsWhatJavaPublishes() throws Exception {
    exchange(java(), java());
  }

  @Test
  void pythonReadsWhatJavaPublishes() throws Exception {
    exchange(java(), python());
  }

  @Test
  void javaReadsWhatPythonPublishes() throws Exception {
    exchange(python(), java());
  }

  private static void exchange(List<String> publisher, List<String> verifier) throws Exception {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      String scenarios = Scenario.file().toString();
      String socket = daemon.socket().toString();
      int count = Scenario.read(Scenario.file()).size();
      try (PublishingProgram published = PublishingProgram.start(publisher, socket, scenarios, count)) {
        String verified = run(verifier, published.lines(), "verify", socket, scenarios);
        assertThat(verified.lines()).containsExactly("verified " + count);
      }
    }
  }

  private static String run(List<String> program, String input, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(program);
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try {
      process.getOutputStream().write(input.getBytes(UTF_8));
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      assertThat(process.waitFor(PROGRAM_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as("%s", command).isZero();
      return output;
    } finally {
      process.destroyForcibly();
    }
  }

  private static List<String> java() {
    return Jvm.command(ScenarioMain.class);
  }

  /// The Python half, on the interpreter of the build.
  private static List<String> python() {
    Path root = Scenario.file().resolve("../../client-python").normalize();
    Path program = root.resolve("tests").resolve("scenario_main.py");
    Path interpreter =
        Stream.of(root.resolveSibling(".venv").resolve("bin").resolve("python"))
            .filter(Files::isExecutable)
            .findFirst()
            .orElse(Path.of("python3"));
    assumeTrue(Files.isReadable(program), "no Python half: " + program);
    return List.of(
        "env",
        "PYTHONPATH=" + root.resolve("src"),
        "PYTHONDONTWRITEBYTECODE=1",
        interpreter.toString(),
        program.toString());
  }
}
