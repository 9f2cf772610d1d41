package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// The client with and without Chronicle Bytes, each in a JVM of its own.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class OptionalChronicleTest {
  /// A user's program.
  static final class Program {
    private Program() {}

    public static void main(String[] arguments) {
      try (Sealbuf store = Sealbuf.connect(Path.of(arguments[0]), DaemonProcess.PATIENCE);
          BufferWriter writer = store.create("optional", 8)) {
        writer.byteBuffer().putLong(7);
        try (SealedBuffer sealed = writer.seal()) {
          System.out.println(sealed.byteBuffer().getLong());
          System.out.println(ChronicleBytes.of(sealed).readLong());
        }
      } catch (NoClassDefFoundError e) {
        System.out.println(e.getMessage());
      }
    }
  }

  @Test
  void withoutItEverythingElseWorks() throws Exception {
    List<String> printed =
        run(
            entry -> !holdsChronicle(Path.of(entry)),
            option -> option.startsWith("--add") || option.startsWith("--sun"));
    assertThat(printed).hasSize(2).first().isEqualTo("7");
    assertThat(printed.getLast()).startsWith("net/openhft/chronicle/");
  }

  @Test
  void withItAndItsFlagsNothingIsPrintedBesides() throws Exception {
    assertThat(run(_ -> true, _ -> false)).containsExactly("7", "7");
  }

  /// By what is in it: a jar may have been copied under another name.
  private static boolean holdsChronicle(Path entry) {
    if (Files.isDirectory(entry)) {
      return false;
    }
    try (JarFile jar = new JarFile(entry.toFile())) {
      return jar.stream().anyMatch(each -> each.getName().startsWith("net/openhft/"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// What the program prints, standard error included.
  private static List<String> run(Predicate<String> onClassPath, Predicate<String> isLeftOut)
      throws IOException, InterruptedException {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      List<String> command =
          new ArrayList<>(Jvm.command(Program.class, daemon.socket().toString()));
      int at = command.indexOf("-cp") + 1;
      command.set(
          at,
          Arrays.stream(command.get(at).split(File.pathSeparator, -1))
              .filter(onClassPath)
              .collect(Collectors.joining(File.pathSeparator)));
      command.removeIf(isLeftOut);
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      return output.lines().toList();
    }
  }
}
