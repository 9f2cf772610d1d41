package dev.sealbuf.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.server.access.AccessList;
import dev.sealbuf.server.access.Principal;
import dev.sealbuf.server.namespace.NamespaceConfig;
import dev.sealbuf.server.store.NamespacePolicy;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import dev.sealbuf.server.store.Quota;
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
  private static final String KNOWN = "known=socket,group,capacity,namespaces";
  private static final String KNOWN_OF_NAMESPACES =
      "known=capacity,read,publish,administer,quota_bytes,quota_buffers,eviction,ttl";
  private static final AccessList EVERYONE =
      new AccessList(
          List.of(new Principal.Everyone()), List.of(new Principal.Everyone()), List.of());

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
      assertThat(configuration.namespaces().getFirst().policy())
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
      assertThat(configuration.namespaces().getFirst().policy()).isEqualTo(NamespacePolicy.DEFAULT);
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
            List.of(new Given(Key.of(Setting.CAPACITY), "13MiB", "--capacity")));
    assertThat(configuration.keys().stream().map(configuration::given))
        .contains(
            new Given(Key.of(Setting.SOCKET), "/one", file + ":3"),
            new Given(Key.of(Setting.GROUP), "2", "$SEALBUF_GROUP"),
            new Given(Key.of(Setting.CAPACITY), "13MiB", "--capacity"),
            new Given(new Key(Setting.EVICTION, "default"), "none", "default"),
            new Given(new Key(Setting.TTL, "default"), "2s", "$SEALBUF_NAMESPACES_DEFAULT_TTL"));
  }

  @Test
  void everythingThatIsWrongIsSaidAtOnceWithItsKeyAndPlace() throws IOException {
    assertInvalid(
        """
        capacity: 4GB
        capcity: 1
        namespaces:
          default: {ttl: 1 week, eviction: lru, quota: 1}
          Training: {}
        group:
        """,
        "capacity: a size is a number with KiB, MiB, GiB or TiB, or of bytes: size=4GB (FILE:1)",
        "capcity: no such key: " + KNOWN + " (FILE:2)",
        "namespaces.default.ttl: a span of time is a number with ms, s, m, h or d: span=1 week"
            + " (FILE:4)",
        "namespaces.default.eviction: no such eviction: name=lru known=none,oldest (FILE:4)",
        "namespaces.default.quota: no such key: " + KNOWN_OF_NAMESPACES + " (FILE:4)",
        "namespaces.Training: a namespace's name is of 1 to 63 small letters, digits and hyphens,"
            + " these not at its ends (FILE:5)",
        "group: has no value: leave the key out for its default (FILE:6)");
  }

  @Test
  void whatDoesNotWinHasToBeRightAsWell() throws IOException {
    Path file = file("capacity: 1KiB");
    assertThatThrownBy(() ->
            Configuration.load(
                Optional.of(file),
                Map.of("SEALBUF_GROUP", "4294967295"),
                List.of(new Given(Key.of(Setting.CAPACITY), "64MiB", "--capacity"))))
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
        "capacity: [1GiB, 2GiB]",
        "capacity: a size is a number with KiB, MiB, GiB or TiB, or of bytes: size=1GiB,2GiB"
            + " (FILE:1)");
    assertInvalid(
        "capacity: {}", "capacity: has no value: leave the key out for its default (FILE:1)");
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
          "socket: has no value: leave the key out for its default (FILE:1)");
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
        "namespaces.default.default: no such key: " + KNOWN_OF_NAMESPACES + " (FILE:1)");
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
    String uncommented = Files.readString(MANUAL).replaceAll("(?m)^( *)#(?=[a-z_]+: \\S+$)", "$1");
    Configuration said = load(file(uncommented));
    for (Key key : defaults.keys()) {
      assertThat(asItStands.given(key)).isEqualTo(defaults.given(key));
      assertThat(said.given(key).from()).as(key.path()).contains("sealbuf.yaml:");
      if (key.setting() != Setting.SOCKET) { // depends on who starts it
        assertThat(said.given(key).text()).isEqualTo(defaults.given(key).text());
      }
    }
  }

  @Test
  void namespacesHaveSharesListsAndQuotas() throws Exception {
    Path file =
        file(
            """
            capacity: 64MiB
            namespaces:
              training:
                capacity: 16MiB
                read: [everyone]
                publish: [uid:1000, "gid:20"]
                administer: uid:0
                quota_bytes: 8MiB
                quota_buffers: 100
                ttl: 1m
              feature-store: {capacity: 8MiB, read: nobody, publish: uid:7}
            """);
    Configuration configuration =
        Configuration.load(
            Optional.of(file), Map.of("SEALBUF_NAMESPACES_FEATURE_STORE_TTL", "2m"), List.of());
    assertThat(configuration.namespaces())
        .containsExactly(
            new NamespaceConfig(
                "default", 40L << 20, EVERYONE, NamespacePolicy.DEFAULT, Quota.Limits.NONE),
            new NamespaceConfig(
                "feature-store",
                8L << 20,
                new AccessList(List.of(), List.of(new Principal.User(7)), List.of()),
                new NamespacePolicy(Eviction.NONE, OptionalLong.of(120_000)),
                Quota.Limits.NONE),
            new NamespaceConfig(
                "training",
                16L << 20,
                new AccessList(
                    List.of(new Principal.Everyone()),
                    List.of(new Principal.User(1000), new Principal.Group(20)),
                    List.of(new Principal.User(0))),
                new NamespacePolicy(Eviction.NONE, OptionalLong.of(60_000)),
                new Quota.Limits(8L << 20, 100)));
  }

  @Test
  void whatTheOthersLeaveIsTheDefaultsAndEnough() throws IOException {
    assertInvalid(
        "namespaces: {default: {capacity: 8MiB}, a: {}}",
        "namespaces.default.capacity: always what the other namespaces leave of the daemon's"
            + " (FILE:1)",
        "namespaces.a.capacity: a size is needed, which is taken from that of the daemon (default)");
    assertInvalid(
        "{capacity: 64MiB, namespaces: {a: {capacity: 60MiB}}}",
        "capacity: the namespaces leave too little for default: bytes=4194304 min=6295552 (FILE:1)");
  }

  @Test
  void entriesOfAccessListsThatMeanNobodyAreRefused() throws IOException {
    assertInvalid(
        "namespaces: {default: {read: 1000, publish: 'uid:no such user', administer: 'gid:-1'}}",
        "namespaces.default.read: an entry is everyone, uid:N, gid:N, or a list is nobody:"
            + " entry=1000 (FILE:1)",
        "namespaces.default.publish: no such user in /etc/passwd: name=no such user (FILE:1)",
        "namespaces.default.administer: no such group in /etc/group: name=-1 (FILE:1)");
  }

  @Test
  void readersAloneKeepNobodyOut() throws IOException {
    assertInvalid(
        "namespaces: {a: {capacity: 8MiB, read: uid:1000}, default: {read: nobody}}",
        "namespaces.default.publish: everyone where it is left out, and who may publish may read:"
            + " say who, or nobody (FILE:1)",
        "namespaces.a.publish: everyone where it is left out, and who may publish may read:"
            + " say who, or nobody (FILE:1)");
  }

  @Test
  void anEntryWithASpaceInItIsNoEntry() throws IOException {
    assertInvalid(
        "namespaces: {default: {publish: [uid: 1000]}}",
        "namespaces.default.publish: a value is text or a list of texts, uid:N without a space"
            + " (FILE:1)");
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
