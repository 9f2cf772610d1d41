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

/// The two halves of an exchange of buffers, each a process, in Java or in Python.
final class Programs {
  private static final long PROGRAM_SECONDS = 60;

  private Programs() {}

  static List<String> java(Class<?> main) {
    return Jvm.command(main);
  }

  /// The Python half, on the interpreter of the build.
  static List<String> python(String file) {
    Path root = Scenario.file().resolve("../../client-python").normalize();
    Path program = root.resolve("tests").resolve(file);
    assumeTrue(Files.isReadable(program), "no Python half: " + program);
    Path built = root.resolveSibling(".venv").resolve("bin").resolve("python");
    return List.of(
        "env",
        "PYTHONPATH=" + root.resolve("src"),
        "PYTHONDONTWRITEBYTECODE=1",
        Files.isExecutable(built) ? built.toString() : "python3",
        program.toString());
  }

  /// What the program prints, given lines to read; it must succeed.
  static String run(List<String> program, String input, String... arguments)
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
}
