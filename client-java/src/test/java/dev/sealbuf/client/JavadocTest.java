package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.Documents;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The documentation of the exported packages is made without a warning: every link leads
/// somewhere, and the markup is whole. That each parameter has a line of its own is not asked for;
/// names and sentences say it.
@Timeout(120)
class JavadocTest {
  @TempDir Path target;

  @Test
  void javadocHasNothingToComplainOf() throws Exception {
    List<String> arguments =
        new ArrayList<>(List.of("-quiet", "-Werror", "-Xdoclint:all,-missing"));
    arguments.addAll(List.of("-d", target.toString(), "-cp", classPath()));
    for (String exported : List.of("client", "protocol")) {
      arguments.addAll(sources(exported));
    }
    StringWriter output = new StringWriter();
    PrintWriter printer = new PrintWriter(output);
    ToolProvider javadoc = ToolProvider.findFirst("javadoc").orElseThrow();
    int exit = javadoc.run(printer, printer, arguments.toArray(new String[0]));
    assertThat(output.toString()).isEmpty();
    assertThat(exit).isZero();
    assertThat(target.resolve("dev/sealbuf/client/Sealbuf.html")).content().contains("putMany");
  }

  private static List<String> sources(String name) throws IOException {
    Path folder = Documents.protocol("../client-java/src/main/java/dev/sealbuf").resolve(name);
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(Path::toString).sorted().toList();
    }
  }

  /// Of this JVM, whether it has its classes from modules or not.
  private static String classPath() throws Exception {
    String classes =
        Path.of(Fd.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    return String.join(
        File.pathSeparator,
        classes,
        System.getProperty("jdk.module.path", ""),
        System.getProperty("java.class.path", ""));
  }
}
