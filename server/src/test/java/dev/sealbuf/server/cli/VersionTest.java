package dev.sealbuf.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

final class VersionTest {
  @Test
  void commandAndOptionPrintTheSameLine() {
    assertThat(outputOf("version")).isEqualTo(outputOf("--version"));
  }

  @Test
  void theNumberIsTheOneOfTheBuild() {
    assertThat(outputOf("version")).matches("sealbuf \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\\R");
  }

  private static String outputOf(String... arguments) {
    StringWriter out = new StringWriter();
    int status = Main.commandLine().setOut(new PrintWriter(out)).execute(arguments);
    assertThat(status).isZero();
    return out.toString();
  }
}
