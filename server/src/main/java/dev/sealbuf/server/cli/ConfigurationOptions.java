package dev.sealbuf.server.cli;

import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.Given;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Key;
import dev.sealbuf.server.config.Setting;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The flags that say what is in the configuration's file, and which file. They are taken as they
/// are written: what is wrong is said together with what is wrong elsewhere.
final class ConfigurationOptions {
  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description =
          "Where to listen. Otherwise $$SEALBUF_SOCKET, the configuration,"
              + " $$XDG_RUNTIME_DIR/sealbuf/sealbuf.sock or /run/sealbuf/sealbuf.sock.")
  private @Nullable String socket;

  @Option(
      names = "--capacity",
      paramLabel = "SIZE",
      description = "Memory the store may take, such as 4GiB (default: 1GiB).")
  private @Nullable String capacity;

  @Option(
      names = "--group",
      paramLabel = "GID|NAME",
      description = "Group whose members may connect besides the daemon's own uid.")
  private @Nullable String group;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Configuration in YAML; otherwise $$SEALBUF_CONFIG, otherwise none.")
  private @Nullable Path file;

  /// Reads file and environment anew.
  Configuration load() throws InvalidConfigurationException {
    List<Given> flags = new ArrayList<>();
    add(flags, Setting.SOCKET, socket, "--socket");
    add(flags, Setting.CAPACITY, capacity, "--capacity");
    add(flags, Setting.GROUP, group, "--group");
    return Configuration.load(Optional.ofNullable(file), System.getenv(), flags);
  }

  private static void add(List<Given> flags, Setting setting, @Nullable String text, String flag) {
    if (text != null) {
      flags.add(new Given(Key.of(setting), text, flag));
    }
  }
}
