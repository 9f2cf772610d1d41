package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PosixTest {
  /// And the part of `sealbuf verify` that tries to write where nobody may.
  private static final String ATTACKER = "Attacker.java";

  @Test
  void noOtherClassOfTheProjectLinksSymbolsOrMakesSegmentsOfAddresses() throws IOException {
    List<Path> found;
    try (Stream<Path> client = Files.walk(Path.of("src/main/java"));
        Stream<Path> server = Files.walk(Path.of("../server/src/main/java"))) {
      found =
          Stream.concat(client, server)
              .filter(path -> path.toString().endsWith(".java"))
              .filter(PosixTest::isNative)
              .map(Path::getFileName)
              .toList();
    }
    assertThat(found).containsExactlyInAnyOrder(Path.of("Native.java"), Path.of(ATTACKER));
  }

  private static boolean isNative(Path source) {
    try {
      String text = Files.readString(source);
      return text.contains("foreign.Linker")
          || text.contains(".reinterpret(")
          || text.contains("SuppressWarnings(\"restricted\")");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
