package dev.sealbuf.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.server.store.NamespacePolicy;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigurationTest {
  private static final Path MANUAL = Path.of("..", "deploy", "sealbuf.yaml");
  private static final String KNOWN =
      "known=socket,group,capacity,namespaces.default.eviction,namespaces.default.ttl";

  @TempDir private Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("sealbuf.yaml"), text);
  }

  private static Configuration load(Path file) throws InvalidConfigurationException {
    return Configuration.load(Optional.of(file), Map.of(), List.of());
  }

  private void assertInvalid(String text, String... problems) throws IOException {
    Path file = file(text);
    assertThatThrownBy(() -> load(file))
        .isInstanceOfSatisfying(
            InvalidConfigurationException.class,
            e ->
                assertThat(e.problems())
                    .containsExactly(
                        Arrays.stream(problems)
                            .map(problem -> problem.replace("FILE", file.toString()))
                            .toArray(String[]::new)));
  }

  @Test
  void everythingCanBeSetInYamlAndInJson() throws Exception {
    String yaml =
        """
        socket: /run/a.sock
        group: 7
        capacity: 4GiB
        namespaces:
          default:
            eviction: oldest
            ttl: 10m
        """;
    String json =
        """
        {"socket": "/run/a.sock", "group": 7, "capacity": "4GiB",
         "namespaces": {"default": {"eviction": "oldest", "ttl": "10m"}}}
        """;
    for (String text : List.of(yaml, json)) {
      Configuration configuration = load(file(text));
      assertThat(configuration.socket()).isEqualTo(Path.of("/run/a.sock"));
      assertThat(configuration.group()).isEqualTo(OptionalLong.of(7));
      assertThat(configuration.capacity()).isEqualTo(4L << 30);
      assertThat(configuration.policy())
          .isEqualTo(new NamespacePolicy(Eviction.OLDEST, OptionalLong.of(600_000)));
    }
  }

  @Test
  void everythingMayBeAbsent() throws Exception {
    for (String text :
        List.of("", "# nothing\n", "{}", "namespaces:\n", "namespaces: {default: }")) {
      Configuration configuration = load(file(text));
      assertThat(configuration.group()).isEmpty();
      assertThat(configuration.capacity()).isEqualTo(1L << 30);
      assertThat(configuration.policy()).isEqualTo(NamespacePolicy.DEFAULT);
    }
  }

  @Test
  void theCommandLineWinsOverTheEnvironmentAndThatOverTheFile() throws Exception {
    Path file = file("capacity: 11MiB\ngroup: 1\nsocket: /one\n");
    Configuration configuration =
        Configuration.load(
            Optional.empty(),
            Map.of(
                "SEALBUF_CONFIG", file.toString(),
                "SEALBUF_CAPACITY", "12MiB",
                "SEALBUF_GROUP", "2",
                "SEALBUF_NAMESPACES_DEFAULT_TTL", "2s"),
            List.of(new Given(Setting.CAPACITY, "13MiB", "--capacity")));
    assertThat(Arrays.stream(Setting.values()).map(configuration::given))
        .containsExactly(
            new Given(Setting.SOCKET, "/one", file + ":3"),
            new Given(Setting.GROUP, "2", "$SEALBUF_GROUP"),
            new Given(Setting.CAPACITY, "13MiB", "--capacity"),
            new Given(Setting.EVICTION, "none", "default"),
            new Given(Setting.TTL, "2s", "$SEALBUF_NAMESPACES_DEFAULT_TTL"));
  }

  @Test
  void everythingThatIsWrongIsSaidAtOnceWithItsKeyAndPlace() throws IOException {
    assertInvalid(
        """
        capacity: 4GB
        capcity: 1
        namespaces:
          default: {ttl: 1 week, eviction: lru, quota: 1}
          training: {}
        group:
        """,
        "capacity: a size is a number with KiB, MiB, GiB or TiB, or of bytes: size=4GB (FILE:1)",
        "capcity: no such key: " + KNOWN + " (FILE:2)",
        "namespaces.default.ttl: a span of time is a number with ms, s, m, h or d: span=1 week"
            + " (FILE:4)",
        "namespaces.default.eviction: no such eviction: name=lru known=none,oldest (FILE:4)",
        "namespaces.default.quota: no such key: " + KNOWN + " (FILE:4)",
        "namespaces.training: no such key: " + KNOWN + " (FILE:5)",
        "group: has no single value: leave the key out for its default (FILE:6)");
  }

  @Test
  void whatDoesNotWinHasToBeRightAsWell() throws IOException {
    Path file = file("capacity: 1KiB");
    assertThatThrownBy(() ->
            Configuration.load(
                Optional.of(file),
                Map.of("SEALBUF_GROUP", "4294967295"),
                List.of(new Given(Setting.CAPACITY, "64MiB", "--capacity"))))
        .hasMessage(
            "capacity: out of bounds: bytes=1024 min=6295552 max=9007199254740991 (%s:1)%n"
                    .formatted(file)
                + "group: a gid is at most 4294967294: gid=4294967295 ($SEALBUF_GROUP)");
  }

  @Test
  void whatIsOfAnotherKindIsRefused() throws IOException {
    assertInvalid("[]", "the top: not a section of keys (FILE:1)");
    assertInvalid("namespaces: 3", "namespaces: not a section of keys (FILE:1)");
    assertInvalid(
        "capacity: [1GiB]",
        "capacity: has no single value: leave the key out for its default (FILE:1)");
    assertInvalid(
        "namespaces: {default: {ttl: 0s}}",
        "namespaces.default.ttl: a span of time is at least a millisecond and at most a hundred"
            + " years: span=0s (FILE:1)");
  }

  @Test
  void aPathThatNoSocketCanHaveIsRefused() throws IOException {
    assertInvalid(
        "socket: /" + "x".repeat(107),
        "socket: a path of a socket is of 1 to 107 bytes: bytes=108 (FILE:1)");
    assertInvalid(
        "socket: \"\"", "socket: a path of a socket is of 1 to 107 bytes: bytes=0 (FILE:1)");
  }

  @Test
  void nothingIsNoValue() throws IOException {
    for (String nothing : List.of("", "~", "null")) {
      assertInvalid(
          "{socket: " + nothing + "}",
          "socket: has no single value: leave the key out for its default (FILE:1)");
    }
  }

  @Test
  void whatIsSaidTwiceIsRefused() throws IOException {
    assertInvalid("capacity: 1GiB\ncapacity: 2GiB", "capacity: said twice (FILE:2)");
  }

  @Test
  void whatIsNoYamlIsRefused() throws IOException {
    assertInvalid(
        "a: [",
        "the configuration is not YAML: expected the node content, but found '<stream end>'"
            + " (FILE:1)");
    assertInvalid(
        "{} {}",
        "the configuration is not YAML: expected '<document start>', but found '{' (FILE:1)");
  }

  @Test
  void anAliasLeadsNowhereEndless() throws IOException {
    assertInvalid(
        "namespaces: &self {default: *self}",
        "namespaces.default.default: no such key: " + KNOWN + " (FILE:1)");
  }

  @Test
  void nestingHasAnEnd() throws IOException {
    assertInvalid("[".repeat(60_000), "the configuration is not one: nested too deeply (FILE)");
  }

  @Test
  void aFileThatIsNotThereIsNamed() {
    Path file = folder.resolve("none");
    assertThatThrownBy(() -> load(file))
        .hasMessage(
            "the configuration cannot be read: file=%1$s cause=java.nio.file.NoSuchFileException: %1$s"
                .formatted(file));
  }

  @Test
  void theManualChangesNothingAndHasEveryKeyWithItsDefault() throws Exception {
    Configuration defaults = Configuration.load(Optional.empty(), Map.of(), List.of());
    Configuration asItStands = load(MANUAL);
    String uncommented = Files.readString(MANUAL).replaceAll("(?m)^( *)#(?=[a-z]+: \\S+$)", "$1");
    Configuration said = load(file(uncommented));
    for (Setting setting : Setting.values()) {
      assertThat(asItStands.given(setting)).isEqualTo(defaults.given(setting));
      assertThat(said.given(setting).from()).as(setting.key()).contains("sealbuf.yaml:");
      if (setting != Setting.SOCKET) { // depends on who starts it
        assertThat(said.given(setting).text()).isEqualTo(defaults.given(setting).text());
      }
    }
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
