package dev.sealbuf.testing;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PeerCredentials;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/// Another JVM that runs a main class of the tests: something to kill, or to be somebody else.
///
/// It talks to the test by lines on its standard input and output; its standard error is the
/// test's.
public final class ChildJvm implements AutoCloseable {
  private static final long EXIT_SECONDS = 20;

  private final Process process;
  private final BufferedReader output;

  private ChildJvm(Process process) {
    this.process = process;
    this.output = process.inputReader(StandardCharsets.UTF_8);
  }

  public static ChildJvm start(Class<?> main, String... arguments) throws IOException {
    return start(List.of(), main, arguments);
  }

  /// `prefix` is a command that runs the command behind it, such as setpriv with its options.
  public static ChildJvm start(List<String> prefix, Class<?> main, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
    command.addAll(List.of("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.addAll(List.of("-Xmx64m", "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=/dev/null"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp", classPath(main)));
    command.add(main.getName());
    command.addAll(List.of(arguments));
    return new ChildJvm(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  public long pid() {
    return process.pid();
  }

  /// The next line that the child prints.
  public String readLine() throws IOException {
    String line = output.readLine();
    if (line == null) {
      throw new IOException("the child ended: exit=" + exitCode());
    }
    return line;
  }

  /// Everything that the child prints until it ends.
  public String readRest() throws IOException {
    return output.readAllAsString();
  }

  /// Ends the child's standard input.
  public void release() throws IOException {
    process.getOutputStream().close();
  }

  /// Ends the child as nothing can be caught: kill -9.
  public void kill() {
    process.destroyForcibly();
    exitCode();
  }

  /// Waits for the end: the exit status, or 128 and the signal's number.
  public int exitCode() {
    try {
      if (!process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS)) {
        throw new AssertionError("the child goes on: pid=" + pid());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    exitCode();
    process.getOutputStream().close();
    output.close();
  }

  /// The prefix that makes a child an ordinary uid without capabilities, if this process is root.
  public static List<String> ordinaryUid() {
    boolean root = PeerCredentials.ownUid() == 0;
    return root
        ? List.of("setpriv", "--reuid=20002", "--regid=20002", "--clear-groups")
        : List.of();
  }

  /// Whether a child of any uid can read the classes: no folder above them is private.
  public static boolean isReadableByAll() throws IOException {
    for (Path path = Path.of(root(ChildJvm.class)); path != null; path = path.getParent()) {
      if (!Files.getPosixFilePermissions(path).contains(PosixFilePermission.OTHERS_EXECUTE)) {
        return false;
      }
    }
    return true;
  }

  /// Everything this JVM has, by class path or by module path, and where the classes were really
  /// loaded from: a build may run tests inside a patched module.
  private static String classPath(Class<?> main) {
    Set<String> entries = new LinkedHashSet<>();
    entries.add(root(main));
    entries.add(root(Fd.class));
    for (String property : List.of("java.class.path", "jdk.module.path")) {
      for (String entry : System.getProperty(property, "").split(File.pathSeparator, -1)) {
        if (!entry.isEmpty()) {
          entries.add(entry);
        }
      }
    }
    return String.join(File.pathSeparator, entries);
  }

  private static String root(Class<?> type) {
    String file = "/" + type.getName().replace('.', '/') + ".class";
    URL url = type.getResource(file);
    if (url == null) {
      throw new AssertionError("no class file: " + file);
    }
    String text = url.toString();
    String root = text.substring(0, text.length() - file.length());
    if (root.startsWith("jar:")) {
      root = root.substring("jar:".length(), root.length() - "!".length());
    }
    try {
      return Path.of(new URI(root)).toString();
    } catch (URISyntaxException e) {
      throw new AssertionError(root, e);
    }
  }
}
