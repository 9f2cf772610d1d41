package dev.sealbuf.server.config;

import static java.util.Objects.requireNonNull;

import dev.sealbuf.server.access.AccessList;
import dev.sealbuf.server.namespace.NamespaceConfig;
import dev.sealbuf.server.store.NamespacePolicy;
import dev.sealbuf.server.store.Quota;
import dev.sealbuf.server.store.StoreConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SequencedSet;
import java.util.TreeSet;

/// What a daemon is to do, and who said so. For each key the last of these that speaks of it wins:
/// its default, the file, the environment, the command line. What does not win has to be right as
/// well.
///
/// Which namespaces there are is said by the file alone.
public final class Configuration {
  private static final String FILE = "SEALBUF_CONFIG";

  /// Who said what nobody said.
  private static final String DEFAULT = "default";

  private final Map<Key, Given> given = new LinkedHashMap<>();
  private final SequencedSet<String> others = new TreeSet<>();

  private Configuration() {}

  /// Reads all that has a say.
  ///
  /// @param file what `--config` named; else `$SEALBUF_CONFIG`, else none
  /// @param flags what the command line said, with the flags' names
  /// @throws InvalidConfigurationException with everything that is wrong
  public static Configuration load(
      Optional<Path> file, Map<String, String> environment, Collection<Given> flags)
      throws InvalidConfigurationException {
    Configuration configuration = new Configuration();
    List<String> problems = new ArrayList<>();
    SettingsFile.Content content =
        file.or(() -> file(environment))
            .map(path -> SettingsFile.read(path, problems::add))
            .orElse(SettingsFile.Content.NONE);
    configuration.others.addAll(content.namespaces());
    configuration.others.remove(NamespaceConfig.DEFAULT);
    for (Key key : configuration.keys()) {
      configuration.take(new Given(key, key.setting().byDefault(), DEFAULT), problems);
    }
    content.given().forEach(each -> configuration.take(each, problems));
    for (Key key : configuration.keys()) {
      String text = environment.getOrDefault(key.variable(), "");
      if (!text.isEmpty()) {
        configuration.take(new Given(key, text, "$" + key.variable()), problems);
      }
    }
    flags.forEach(flag -> configuration.take(flag, problems));
    if (problems.isEmpty()) {
      configuration.requireShares(problems);
      configuration.requirePublishers(problems);
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    return configuration;
  }

  private static Optional<Path> file(Map<String, String> environment) {
    String path = environment.getOrDefault(FILE, "");
    return path.isEmpty() ? Optional.empty() : Optional.of(Path.of(path));
  }

  private void take(Given each, List<String> problems) {
    try {
      each.key().setting().parse(each.text());
      given.put(each.key(), each);
    } catch (IllegalArgumentException e) {
      problems.add("%s: %s (%s)".formatted(each.key().path(), e.getMessage(), each.from()));
    }
  }

  /// `default` has what the others leave.
  private void requireShares(List<String> problems) {
    for (String name : names()) {
      Given share = given(new Key(Setting.SHARE, name));
      boolean rest = Setting.share(share.text()).isEmpty();
      if (rest != name.equals(NamespaceConfig.DEFAULT)) {
        String rule =
            rest
                ? "a size is needed, which is taken from that of the daemon"
                : "always what the other namespaces leave of the daemon's";
        problems.add("%s: %s (%s)".formatted(share.key().path(), rule, share.from()));
      }
    }
    if (problems.isEmpty() && rest() < StoreConfig.CAPACITY_MIN) {
      problems.add(
          "capacity: the namespaces leave too little for default: bytes=%d min=%d (%s)"
              .formatted(rest(), StoreConfig.CAPACITY_MIN, given(Key.of(Setting.CAPACITY)).from()));
    }
  }

  /// Who publishes may read: a list of readers alone would keep nobody out.
  private void requirePublishers(List<String> problems) {
    for (String name : names()) {
      Given read = given(new Key(Setting.READ, name));
      Given publish = given(new Key(Setting.PUBLISH, name));
      if (publish.from().equals(DEFAULT) && !Principals.isEveryone(read.text())) {
        problems.add(
            "%s: everyone where it is left out, and who may publish may read: say who, or nobody (%s)"
                .formatted(publish.key().path(), read.from()));
      }
    }
  }

  private long rest() {
    return others.stream()
        .map(name -> Setting.share(text(Setting.SHARE, name)).orElse(0))
        .reduce(capacity(), (left, share) -> left - share);
  }

  /// All that can be said, the daemon's first, then those of each namespace.
  public List<Key> keys() {
    List<Key> keys = new ArrayList<>();
    Arrays.stream(Setting.values())
        .filter(each -> !each.isOfNamespace())
        .forEach(each -> keys.add(Key.of(each)));
    for (String name : names()) {
      Arrays.stream(Setting.values())
          .filter(Setting::isOfNamespace)
          .forEach(each -> keys.add(new Key(each, name)));
    }
    return keys;
  }

  private List<String> names() {
    List<String> names = new ArrayList<>();
    names.add(NamespaceConfig.DEFAULT);
    names.addAll(others);
    return names;
  }

  /// What won.
  public Given given(Key key) {
    return requireNonNull(given.get(key));
  }

  private String text(Setting setting) {
    return given(Key.of(setting)).text();
  }

  private String text(Setting setting, String namespace) {
    return given(new Key(setting, namespace)).text();
  }

  public Path socket() {
    return Path.of(text(Setting.SOCKET));
  }

  /// Whose members may connect besides the daemon's uid.
  public OptionalLong group() {
    return Setting.group(text(Setting.GROUP));
  }

  /// Of all namespaces together, in bytes.
  public long capacity() {
    return Setting.capacity(text(Setting.CAPACITY));
  }

  /// The namespaces, `default` first.
  public List<NamespaceConfig> namespaces() {
    return names().stream().map(this::namespace).toList();
  }

  private NamespaceConfig namespace(String name) {
    return new NamespaceConfig(
        name,
        Setting.share(text(Setting.SHARE, name)).orElseGet(this::rest),
        new AccessList(
            Principals.parse(text(Setting.READ, name)),
            Principals.parse(text(Setting.PUBLISH, name)),
            Principals.parse(text(Setting.ADMINISTER, name))),
        new NamespacePolicy(
            Setting.eviction(text(Setting.EVICTION, name)), Setting.ttl(text(Setting.TTL, name))),
        new Quota.Limits(
            Setting.quotaBytes(text(Setting.QUOTA_BYTES, name)),
            Setting.quotaBuffers(text(Setting.QUOTA_BUFFERS, name))));
  }
}
