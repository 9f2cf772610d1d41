package dev.sealbuf.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/// Only the command that is asked for is described, and nobody can tell.
final class MainTest {
  @ParameterizedTest
  @MethodSource("commands")
  void aCommandIsDescribedAlone(String name) {
    assertThat(Main.commandLine(name, "--socket", "/s").getSubcommands()).containsOnlyKeys(name);
  }

  @ParameterizedTest
  @MethodSource("commands")
  void itAnswersAMistakeAsIfAllWereThere(String name) {
    String[] arguments = {name, "--no-such-option"};
    assertThat(failure(Main.commandLine(arguments), arguments))
        .isEqualTo(failure(Main.commandLine(), arguments))
        .startsWith("2 ")
        .contains("Usage: sealbuf " + name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--help", "--version", "unknown", "Serve", ""})
  void whateverElseComesFirstHasAllOfThemToChooseFrom(String first) {
    assertThat(Main.commandLine(first, "serve").getSubcommands().keySet()).isEqualTo(commands());
  }

  private static Set<String> commands() {
    return Main.commandLine().getSubcommands().keySet();
  }

  private static String failure(CommandLine line, String... arguments) {
    StringWriter err = new StringWriter();
    return line.setErr(new PrintWriter(err)).execute(arguments) + " " + err;
  }
}
