package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// The commands of the README's section on containers, taken from it and run as they stand.
@NeedsEngine
final class ReadmeTest {
  private static final Pattern SECTION = Pattern.compile("(?s)\n## In containers\n(.*?)\n## ");
  private static final Pattern COMMANDS = Pattern.compile("(?s)```sh\n(.*?)```");
  private static final Pattern PUBLISHED =
      Pattern.compile("producer: (\\S+) sha256=(\\p{XDigit}{64})\n");
  private static final Pattern READ =
      Pattern.compile(
          "worker uid=(\\d+): (\\S+) sha256=(\\p{XDigit}{64}) write refused \\(cannot modify"
              + " read-only memory\\)\n");

  @Test
  void itsCommandsRunAsTheyStandAndLeaveNothing() throws IOException {
    assertThat(ours()).as("left from before, docker compose down --volumes").isEmpty();
    Set<String> before = containersVolumesAndNetworks();
    List<String> blocks = commands();
    assertThat(blocks).hasSizeGreaterThan(1);
    try {
      assertWorkersReadWhatWasPublished(run(blocks));
    } finally {
      removeOurs();
    }
    assertThat(containersVolumesAndNetworks()).isSubsetOf(before);
  }

  private static String run(List<String> blocks) {
    StringBuilder output = new StringBuilder();
    for (String block : blocks) {
      Finished run = Command.of("bash", "-euc", block).in(Images.PROJECT).run();
      assertThat(run.status()).as("%s\n%s", block, run.output()).isZero();
      output.append(run.output());
    }
    return output.toString();
  }

  /// Containers of the names that the commands give.
  private static String ours() {
    return Command.of("docker", "ps", "--all", "--quiet", "--filter", "name=^sealbuf")
        .run()
        .output();
  }

  /// What a command that failed has left; nothing else has these names.
  private static void removeOurs() {
    if (!ours().isEmpty()) {
      Command.of("docker", "compose", "down", "--volumes").in(Images.PROJECT).run();
      Command.of("docker", "rm", "--force", "sealbuf").run();
      Command.of("docker", "volume", "rm", "--force", "sealbuf").run();
    }
  }

  private static List<String> commands() throws IOException {
    String readme = Files.readString(Images.PROJECT.resolve("README.md"));
    String section =
        SECTION
            .matcher(readme)
            .results()
            .map(match -> match.group(1))
            .collect(Collectors.joining());
    return COMMANDS.matcher(section).results().map(match -> match.group(1)).toList();
  }

  private static void assertWorkersReadWhatWasPublished(String output) {
    Map<String, String> published =
        PUBLISHED
            .matcher(output)
            .results()
            .collect(Collectors.toMap(line -> line.group(1), line -> line.group(2)));
    assertThat(published).hasSize(4);
    Map<String, Map<String, String>> read =
        READ.matcher(output)
            .results()
            .collect(
                Collectors.groupingBy(
                    line -> line.group(1),
                    Collectors.toMap(line -> line.group(2), line -> line.group(3))));
    assertThat(read).containsOnlyKeys("21001", "21002", "21003");
    assertThat(read.values()).allSatisfy(each -> assertThat(each).isEqualTo(published));
  }

  private static Set<String> containersVolumesAndNetworks() {
    Set<String> all = new TreeSet<>();
    for (String list : List.of("docker ps -aq", "docker volume ls -q", "docker network ls -q")) {
      Finished listed = Command.of(list.split(" ")).run();
      assertThat(listed.status()).as("%s", listed.output()).isZero();
      listed.output().lines().forEach(all::add);
    }
    return all;
  }
}
