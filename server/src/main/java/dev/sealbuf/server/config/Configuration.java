package dev.sealbuf.server.config;

import static java.util.Objects.requireNonNull;

import dev.sealbuf.client.SocketPath;
import dev.sealbuf.server.store.NamespacePolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// What a daemon is to do, and who said so. For each setting the last of these that speaks of it
/// wins: its default, the file, the environment, the command line. What does not win has to be
/// right as well.
public final class Configuration {
  private static final String FILE = "SEALBUF_CONFIG";

  private final Map<Setting, Given> given = new EnumMap<>(Setting.class);

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
    defaults().forEach(each -> configuration.take(each, problems));
    file.or(() -> file(environment))
        .ifPresent(path ->
            SettingsFile.read(path, each -> configuration.take(each, problems), problems::add));
    for (Setting setting : Setting.values()) {
      String text = environment.getOrDefault(setting.variable(), "");
      if (!text.isEmpty()) {
        configuration.take(new Given(setting, text, "$" + setting.variable()), problems);
      }
    }
    flags.forEach(flag -> configuration.take(flag, problems));
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    return configuration;
  }

  private static Optional<Path> file(Map<String, String> environment) {
    String path = environment.getOrDefault(FILE, "");
    return path.isEmpty() ? Optional.empty() : Optional.of(Path.of(path));
  }

  private static List<Given> defaults() {
    String from = "default";
    return List.of(
        new Given(Setting.SOCKET, SocketPath.resolve().toString(), from),
        new Given(Setting.GROUP, Setting.NO_GROUP, from),
        new Given(Setting.CAPACITY, "1GiB", from),
        new Given(Setting.EVICTION, "none", from),
        new Given(Setting.TTL, Setting.NO_END, from));
  }

  private void take(Given each, List<String> problems) {
    try {
      each.setting().parse(each.text());
      given.put(each.setting(), each);
    } catch (IllegalArgumentException e) {
      problems.add("%s: %s (%s)".formatted(each.setting().key(), e.getMessage(), each.from()));
    }
  }

  /// What won.
  public Given given(Setting setting) {
    return requireNonNull(given.get(setting));
  }

  private String text(Setting setting) {
    return given(setting).text();
  }

  public Path socket() {
    return Path.of(text(Setting.SOCKET));
  }

  /// Whose members may connect besides the daemon's uid.
  public OptionalLong group() {
    return Setting.group(text(Setting.GROUP));
  }

  /// In bytes.
  public long capacity() {
    return Setting.capacity(text(Setting.CAPACITY));
  }

  /// Of the namespace `default`, the only one.
  public NamespacePolicy policy() {
    return new NamespacePolicy(
        Setting.eviction(text(Setting.EVICTION)), Setting.ttl(text(Setting.TTL)));
  }
}
