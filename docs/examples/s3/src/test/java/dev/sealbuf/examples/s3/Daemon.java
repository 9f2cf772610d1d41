package dev.sealbuf.examples.s3;

import dev.sealbuf.client.Sealbuf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/// A daemon on a private socket, started by the launcher as a user would.
final class Daemon implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Path folder;
  private final Process process;

  Daemon(String capacity) throws IOException {
    folder = Files.createTempDirectory("sealbuf-s3-");
    ProcessBuilder builder =
        new ProcessBuilder(
            Program.TREE.resolve("server/target/sealbuf/bin/sealbuf").toString(),
            "serve",
            "--socket",
            socket().toString(),
            "--capacity",
            capacity);
    builder.environment().put("SEALBUF_JAVA_HOME", System.getProperty("java.home", ""));
    process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String line = process.inputReader().readLine();
    if (line == null || !line.contains(" serving on ")) {
      throw new AssertionError("the daemon did not start: output=" + line);
    }
  }

  private Path socket() {
    return folder.resolve("sealbuf.sock");
  }

  Sealbuf connect() {
    return Sealbuf.connect(socket(), PATIENCE);
  }

  /// For a program, what it needs beside `others` to find this daemon.
  Map<String, String> environment(Map<String, String> others) {
    Map<String, String> all = new HashMap<>(others);
    all.put("SEALBUF_SOCKET", socket().toString());
    return all;
  }

  @Override
  public void close() throws IOException {
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
