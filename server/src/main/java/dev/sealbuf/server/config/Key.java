package dev.sealbuf.server.config;

import java.util.Locale;
import java.util.regex.Pattern;

/// A setting of the daemon, or of one of its namespaces: a path in the file.
///
/// @param namespace empty where the setting is the daemon's
public record Key(Setting setting, String namespace) {
  /// So that each has a variable of its own.
  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

  private static final String NAMESPACES = "namespaces.";

  /// A setting of the daemon.
  public static Key of(Setting setting) {
    return new Key(setting, "");
  }

  static boolean isNamespace(String name) {
    return NAMESPACE.matcher(name).matches();
  }

  /// The path in the file: `capacity`, `namespaces.default.ttl`.
  public String path() {
    return setting.isOfNamespace() ? NAMESPACES + namespace + "." + setting.word() : setting.word();
  }

  /// `SEALBUF_` and the path, upper case, with `_` for each point and hyphen.
  public String variable() {
    return "SEALBUF_" + path().replaceAll("[.-]", "_").toUpperCase(Locale.ROOT);
  }
}
