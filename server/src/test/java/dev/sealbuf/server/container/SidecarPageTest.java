package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `docs/howto/sidecar.md`: its compose file and the commands behind it, as they stand.
@NeedsEngine
final class SidecarPageTest {
  private static final Pattern BLOCK = Pattern.compile("(?s)```(yaml|sh|text)\n(.*?)```");

  @Test
  void itsServicesPrintWhatItSays(@TempDir Path folder) throws IOException {
    Images.named("sealbuf-worker");
    List<String> blocks = blocks();
    Files.writeString(folder.resolve("compose.yaml"), blocks.get(0));
    Finished run = Command.of("bash", "-euc", blocks.get(1)).in(folder).run();
    if (run.status() != 0) {
      Command.of("docker", "compose", "--project-name", "howto", "down", "--volumes")
          .in(folder)
          .run();
    }
    assertThat(run.status()).as("%s", run.output()).isZero();
    assertThat(run.output().lines()).containsAll(blocks.get(2).lines().toList());
  }

  /// The compose file, the commands, and what they print.
  private static List<String> blocks() throws IOException {
    Matcher page = BLOCK.matcher(Files.readString(Images.PROJECT.resolve("docs/howto/sidecar.md")));
    return page.results().limit(3).map(block -> block.group(2)).toList();
  }
}
