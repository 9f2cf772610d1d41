package dev.sealbuf.server.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.server.store.NamespacePolicy;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ConfigFileTest {
  @TempDir Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("sealbuf.json"), text);
  }

  private void assertInvalid(String text, String message) throws IOException {
    Path file = file(text);
    assertThatThrownBy(() -> ConfigFile.read(file)).hasMessage(message + " file=" + file);
  }

  @Test
  void everythingCanBeSet() throws Exception {
    String text =
        """
        {"capacity": "4GiB", "namespaces": {"default": {"eviction": "oldest", "ttl": "10m"}}}
        """;
    assertThat(ConfigFile.read(file(text)))
        .isEqualTo(
            new ConfigFile(
                OptionalLong.of(4L << 30),
                new NamespacePolicy(Eviction.OLDEST, OptionalLong.of(600_000))));
  }

  @Test
  void everythingMayBeAbsent() throws Exception {
    assertThat(ConfigFile.read(file("{}"))).isEqualTo(ConfigFile.EMPTY);
    assertThat(ConfigFile.read(file("{\"namespaces\": {\"default\": {}}}")))
        .isEqualTo(ConfigFile.EMPTY);
  }

  @Test
  void whatIsNotKnownIsRefused() throws IOException {
    assertInvalid(
        "{\"capcity\": \"4GiB\"}",
        "no such setting: name=capcity where=the top known=capacity,namespaces");
    assertInvalid(
        "{\"namespaces\": {\"training\": {}}}",
        "no such setting: name=training where=namespaces known=default");
    assertInvalid(
        "{\"namespaces\": {\"default\": {\"quota\": 1}}}",
        "no such setting: name=quota where=default known=eviction,ttl");
    assertInvalid(
        "{\"namespaces\": {\"default\": {\"eviction\": \"lru\"}}}",
        "no such eviction: name=lru known=none,oldest");
  }

  @Test
  void whatIsOfAnotherKindIsRefused() throws IOException {
    assertInvalid("[]", "not an object: where=the top");
    assertInvalid("{\"namespaces\": 3}", "not an object: where=namespaces");
    assertInvalid("{\"capacity\": 4096}", "not a string: name=capacity");
    assertInvalid(
        "{\"capacity\": \"4GB\"}",
        "a size is a number with KiB, MiB, GiB or TiB, or of bytes: size=4GB");
    assertInvalid(
        "{\"namespaces\": {\"default\": {\"ttl\": \"1 week\"}}}",
        "a span of time is a number with ms, s, m, h or d: span=1 week");
    assertInvalid(
        "{\"namespaces\": {\"default\": {\"ttl\": \"0s\"}}}",
        "a span of time is at least a millisecond and at most a hundred years: span=0s");
  }

  @Test
  void whatIsNoJsonIsRefused() throws IOException {
    for (String text :
        new String[] {"", "{", "{} {}", "{\"capacity\": \"1\", \"capacity\": \"2\"}"}) {
      Path file = file(text);
      assertThatThrownBy(() -> ConfigFile.read(file))
          .hasMessageMatching("(a configuration is one JSON object: |not an object: ).* file=.*");
    }
  }

  @Test
  void aFileThatIsNotThereIsNamed() {
    Path file = folder.resolve("none");
    assertThatThrownBy(() -> ConfigFile.read(file))
        .hasMessage(
            "the configuration cannot be read: file=%1$s cause=java.nio.file.NoSuchFileException: %1$s"
                .formatted(file));
  }

  @Test
  void spansOfTimeHaveUnits() {
    assertThat(TimeSpan.parseMillis("500ms")).isEqualTo(500);
    assertThat(TimeSpan.parseMillis("90s")).isEqualTo(90_000);
    assertThat(TimeSpan.parseMillis("10m")).isEqualTo(600_000);
    assertThat(TimeSpan.parseMillis("2h")).isEqualTo(7_200_000);
    assertThat(TimeSpan.parseMillis("1d")).isEqualTo(86_400_000);
    assertThat(TimeSpan.parseMillis("36500d")).isEqualTo(3_153_600_000_000L);
  }
}
