package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A program that has published the scenarios and stays, since what has no name ends with it.
final class PublishingProgram implements AutoCloseable {
  private static final long END_SECONDS = 60;

  private final Process process;
  private final String lines;

  private PublishingProgram(Process process, String lines) {
    this.process = process;
    this.lines = lines;
  }

  static PublishingProgram start(List<String> program, String socket, String scenarios, int count)
      throws IOException {
    List<String> command = new ArrayList<>(program);
    command.addAll(List.of("publish", socket, scenarios));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    BufferedReader output =
        new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < count; i++) {
      lines.append(output.readLine()).append('\n');
    }
    return new PublishingProgram(process, lines.toString());
  }

  /// What it printed: a line for each scenario.
  String lines() {
    return lines;
  }

  @Override
  public void close() throws IOException {
    process.getOutputStream().close();
    try {
      assertThat(process.waitFor(END_SECONDS, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      process.destroyForcibly();
    }
  }
}
