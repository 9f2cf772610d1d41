package dev.sealbuf.examples.s3;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/// A program of the example, run to its end as a user would run it.
record Program(int status, String output, String errors) {
  static final Path TREE = Path.of(System.getProperty("tree", "")).toAbsolutePath().normalize();

  static Program producer(Map<String, String> environment, Object... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
    command.addAll(List.of("-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-XX:-UsePerfData", "--enable-native-access=ALL-UNNAMED", "-cp"));
    command.add(System.getProperty("java.class.path", ""));
    command.add(S3Producer.class.getName());
    return run(command, environment, arguments);
  }

  static Program reader(Map<String, String> environment, Object... arguments) {
    Path python = TREE.resolve(".venv/bin/python");
    Path reader = TREE.resolve("docs/examples/s3/reader.py");
    return run(List.of(python.toString(), reader.toString()), environment, arguments);
  }

  /// A shell in the top folder of the tree, with this JVM's Java.
  static Program shell(Map<String, String> environment, String commands) {
    Map<String, String> all = new HashMap<>(environment);
    all.put("JAVA25_HOME", System.getProperty("java.home", ""));
    all.put("PATH", "/usr/bin:/bin");
    return run(List.of("sh", "-ec"), all, commands);
  }

  private static Program run(
      List<String> command, Map<String, String> environment, Object... arguments) {
    List<String> whole = new ArrayList<>(command);
    for (Object argument : arguments) {
      whole.add(argument.toString());
    }
    ProcessBuilder builder = new ProcessBuilder(whole).directory(TREE.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    try {
      Process process = builder.redirectInput(new File("/dev/null")).start();
      try {
        CompletableFuture<String> errors = CompletableFuture.supplyAsync(() -> read(process));
        String output = process.inputReader().readAllAsString();
        return new Program(process.waitFor(), output, errors.join());
      } finally {
        process.destroyForcibly(); // when the test is interrupted by its timeout
      }
    } catch (IOException | InterruptedException e) {
      throw new AssertionError("the program did not run: command=" + whole, e);
    }
  }

  private static String read(Process process) {
    try {
      return process.errorReader().readAllAsString();
    } catch (IOException e) {
      return "not readable: " + e.getMessage();
    }
  }
}
