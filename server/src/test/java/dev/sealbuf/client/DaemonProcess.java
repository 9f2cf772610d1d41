package dev.sealbuf.client;

import dev.sealbuf.server.cli.Main;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A real daemon: a process of its own, on a private socket, under the uid of this process.
final class DaemonProcess implements AutoCloseable {
  /// A ceiling against hanging, many times what is measured.
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Process process;
  private final Path socket;

  private DaemonProcess(Process process, Path socket) {
    this.process = process;
    this.socket = socket;
  }

  /// One that all tests of this JVM share; they choose names that do not meet.
  static DaemonProcess shared() {
    return Shared.DAEMON;
  }

  private static final class Shared {
    static final DaemonProcess DAEMON = start("--capacity", "2GiB");

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(DAEMON::close));
    }
  }

  static DaemonProcess start(String... options) {
    return start(List.of(), Jvm.publicFolder().resolve("sealbuf.sock"), options);
  }

  /// One where another was.
  static DaemonProcess startAt(Path socket, String... options) {
    return start(List.of(), socket, options);
  }

  /// `prefix` is a command that runs the command behind it.
  static DaemonProcess start(List<String> prefix, String... options) {
    return start(prefix, Jvm.publicFolder().resolve("sealbuf.sock"), options);
  }

  private static DaemonProcess start(List<String> prefix, Path socket, String... options) {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(Jvm.command(Main.class, "serve", "--socket", socket.toString()));
    command.addAll(List.of(options));
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
      String line = output.readLine();
      if (line == null || !line.contains(" serving on ")) {
        throw new AssertionError("the daemon did not start: output=" + line);
      }
      return new DaemonProcess(process, socket);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path socket() {
    return socket;
  }

  Sealbuf connect() {
    return Sealbuf.connect(socket, PATIENCE);
  }

  /// SIGTERM, and the end.
  void stop() {
    process.destroy();
    awaitEnd();
  }

  /// SIGKILL, and the end.
  void kill() {
    process.destroyForcibly();
    awaitEnd();
  }

  /// Stops it as a debugger would: it is there, and says nothing.
  void pause() {
    signal("STOP");
  }

  void resume() {
    signal("CONT");
  }

  private void signal(String name) {
    try {
      Process kill = new ProcessBuilder("kill", "-" + name, "" + process.pid()).start();
      if (kill.waitFor() != 0) {
        throw new AssertionError("kill -" + name + ": exit=" + kill.exitValue());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private void awaitEnd() {
    try {
      if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("the daemon goes on: pid=" + process.pid());
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    awaitEnd();
  }
}
