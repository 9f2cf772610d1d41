package dev.sealbuf.bench;

import dev.sealbuf.client.Sealbuf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// A daemon of its own for one trial, started by the launcher as a user would, and a client of it.
final class Daemon implements AutoCloseable {
  /// The launcher of the tree, as `sealbench/jmh.py` names it.
  private static final String LAUNCHER = "sealbuf.launcher";

  private static final String CAPACITY = "1GiB";

  private final Path folder;
  private final Process process;
  private final Sealbuf store;

  Daemon() throws IOException {
    folder = Files.createTempDirectory("sealbuf-jmh-");
    Path socket = folder.resolve("sealbuf.sock");
    ProcessBuilder builder =
        new ProcessBuilder(
            System.getProperty(LAUNCHER, "sealbuf"),
            "serve",
            "--socket",
            socket.toString(),
            "--capacity",
            CAPACITY);
    builder.environment().put("SEALBUF_JAVA_HOME", System.getProperty("java.home", ""));
    Path log = folder.resolve("log");
    process = builder.redirectError(log.toFile()).start();
    // A benchmark that fails ends its JVM without a tear-down.
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
    String line = process.inputReader().readLine();
    if (line == null || !line.contains(" serving on ")) {
      throw new IllegalStateException(
          "the daemon did not start: output=%s log=%s".formatted(line, Files.readString(log)));
    }
    store = Sealbuf.connect(socket);
  }

  Sealbuf store() {
    return store;
  }

  @Override
  public void close() throws IOException {
    store.close();
    process.destroy();
    process.onExit().join();
    process.inputReader().close();
    try (Stream<Path> left = Files.list(folder)) {
      for (Path file : left.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
