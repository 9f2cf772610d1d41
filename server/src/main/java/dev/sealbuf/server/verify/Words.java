package dev.sealbuf.server.verify;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// The command lines of workers.
final class Words {
  /// Compiling well what is killed soon costs more than it brings: a start takes 0.27 s of CPU time
  /// instead of 0.36 s.
  static final String SHORT_LIVED = "-XX:TieredStopAtLevel=1";

  private static final Path OWN = Path.of("/proc/self/cmdline");
  private static final String CLASS_PATH = "-cp";
  private static final long PROBE_SECONDS = 30;
  private static final String MODULE = "sealbuf._verify";

  private Words() {}

  /// This process's own command line as far as the class path, then another main class: the same
  /// Java, options, jars and AOT cache.
  static List<String> java(Class<?> main, List<String> options, List<String> arguments) {
    List<String> own = List.of(cmdline().split("\0"));
    int at = own.indexOf(CLASS_PATH);
    if (at < 0) {
      throw new IllegalStateException("started without a class path: command=" + own);
    }
    List<String> words = new ArrayList<>(own.subList(0, at));
    words.addAll(options);
    words.addAll(own.subList(at, at + 2));
    words.add(main.getName());
    words.addAll(arguments);
    return words;
  }

  private static String cmdline() {
    try {
      return Files.readString(OWN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<String> python(String python, List<String> arguments) {
    List<String> words = new ArrayList<>(List.of(python, "-m", MODULE));
    words.addAll(arguments);
    return words;
  }

  /// Whether this Python has the client, of a version that has workers.
  static boolean isUsable(String python) {
    try {
      ProcessBuilder builder = new ProcessBuilder(python, "-c", "import " + MODULE);
      builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
      builder.redirectError(ProcessBuilder.Redirect.DISCARD);
      Process probe = builder.start();
      if (!probe.waitFor(PROBE_SECONDS, TimeUnit.SECONDS)) {
        probe.destroyForcibly();
        return false;
      }
      return probe.exitValue() == 0;
    } catch (IOException _) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts this", e);
    }
  }
}
