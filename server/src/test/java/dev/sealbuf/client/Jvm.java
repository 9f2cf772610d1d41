package dev.sealbuf.client;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// The command that runs a main class in a JVM like this one, in a way that any uid can: a jar or a
/// folder of the class path that lies below a private folder is copied to a public one first. What
/// `scripts/coverage` has this JVM observed by observes that one, too.
public final class Jvm {
  private static final String CLASS_PATH = publicClassPath();

  private Jvm() {}

  public static List<String> command(Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home", ""), "bin", "java").toString());
    command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    command.addAll(List.of("-XX:-UsePerfData", "-XX:ErrorFile=/dev/null"));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("--") || option.startsWith("-javaagent:"))
        .forEach(command::add);
    command.addAll(List.of("-cp", CLASS_PATH, main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  /// A folder of this process's uid that everybody can look into; it goes when this JVM ends.
  public static Path publicFolder() {
    try {
      Path folder = Files.createTempDirectory("sealbuf-test-");
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String publicClassPath() {
    Set<String> entries = new LinkedHashSet<>();
    List<Path> hidden = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path", "").split(File.pathSeparator, -1)) {
      Path path = Path.of(entry).toAbsolutePath();
      if (!Files.exists(path)) {
        continue;
      }
      if (isPublic(path)) {
        entries.add(path.toString());
      } else {
        hidden.add(path);
      }
    }
    if (!hidden.isEmpty()) {
      Path folder = publicFolder();
      hidden.forEach(path -> entries.add(copy(path, folder.resolve("" + entries.size()))));
    }
    return String.join(File.pathSeparator, entries);
  }

  private static boolean isPublic(Path path) {
    try {
      for (Path part = path; part != null; part = part.getParent()) {
        PosixFilePermission needed =
            Files.isDirectory(part)
                ? PosixFilePermission.OTHERS_EXECUTE
                : PosixFilePermission.OTHERS_READ;
        if (!Files.getPosixFilePermissions(part).contains(needed)) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String copy(Path from, Path to) {
    Path target = Files.isDirectory(from) ? to : to.resolveSibling(to.getFileName() + ".jar");
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path copy = target.resolve(from.relativize(file).toString());
        Files.copy(file, from.equals(file) ? target : copy);
      }
      return target.toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      files.sorted((a, b) -> b.compareTo(a)).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
