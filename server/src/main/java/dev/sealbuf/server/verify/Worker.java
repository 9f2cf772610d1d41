package dev.sealbuf.server.verify;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/// A process that does what it is told: a line of JSON a command, answered by a line with `end`. A
/// line with `at` before it says how far it has come.
///
/// Its standard input ends with this process, and so does it.
final class Worker {
  /// A terminal's Ctrl-C is for this process; what is ignored stays so in another program.
  private static final List<String> WITHOUT_SIGINT =
      List.of("/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh");

  static final String IDLE = "between commands";

  private final Process process;
  private final Writer commands;
  private final BufferedReader answers;
  private volatile String doing = "starting";
  private volatile long since = System.nanoTime();
  private volatile boolean killed;

  private Worker(Process process) {
    this.process = process;
    this.commands = process.outputWriter(UTF_8);
    this.answers = process.inputReader(UTF_8);
  }

  static Worker start(List<String> command) {
    try {
      ProcessBuilder builder =
          new ProcessBuilder(Stream.concat(WITHOUT_SIGINT.stream(), command.stream()).toList());
      builder.redirectError(ProcessBuilder.Redirect.INHERIT);
      return new Worker(builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException("a process cannot be started: command=" + command, e);
    }
  }

  /// Waits until it is connected; what it says then.
  JsonNode awaitReady() throws WorkerEndedException {
    return answer();
  }

  JsonNode ask(String what, Map<String, Object> fields) throws WorkerEndedException {
    doing = what;
    since = System.nanoTime();
    try {
      commands.write(Lines.text(fields) + "\n");
      commands.flush();
    } catch (IOException _) {
      throw ended();
    }
    return answer();
  }

  private JsonNode answer() throws WorkerEndedException {
    try {
      for (String line = answers.readLine(); line != null; line = answers.readLine()) {
        JsonNode answer = Lines.parse(line);
        if (answer.has("end")) {
          doing = IDLE;
          return answer;
        }
        doing = answer.path("at").asString();
      }
    } catch (IOException _) {
      // As good as its end.
    }
    throw ended();
  }

  private WorkerEndedException ended() {
    boolean byUs = killed;
    int status = end();
    return new WorkerEndedException(
        "%s: status=%d doing=%s".formatted(byUs ? "killed" : "ended by itself", status, doing));
  }

  /// What it was told last, or how far it has come with it.
  String doing() {
    return doing;
  }

  /// Seconds since it was told, unless it has answered.
  double busySeconds() {
    return doing.equals(IDLE) ? 0 : (System.nanoTime() - since) / 1e9;
  }

  void kill() {
    killed = true;
    process.destroyForcibly();
  }

  boolean killed() {
    return killed;
  }

  /// Lets it go, and waits for its end.
  int end() {
    try {
      commands.close();
    } catch (IOException _) {
      // It has ended.
    }
    try {
      return process.waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts a seat", e);
    }
  }
}
