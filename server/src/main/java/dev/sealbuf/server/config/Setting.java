package dev.sealbuf.server.config;

import dev.sealbuf.memory.UnixSocket;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import dev.sealbuf.server.store.StoreConfig;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/// What can be set: the key in the file, and from it the variable and the flag.
/// `deploy/sealbuf.yaml` explains each, with its default.
public enum Setting {
  SOCKET("socket", Change.BY_RESTART),
  GROUP("group", Change.BY_RESTART),
  CAPACITY("capacity", Change.BY_SIGHUP),
  EVICTION("namespaces.default.eviction", Change.BY_SIGHUP),
  TTL("namespaces.default.ttl", Change.BY_SIGHUP);

  private enum Change {
    BY_RESTART,
    BY_SIGHUP
  }

  /// For a group nobody, for a time to live no end.
  static final String NO_GROUP = "none";

  static final String NO_END = "never";

  private final String key;
  private final Change change;

  Setting(String key, Change change) {
    this.key = key;
    this.change = change;
  }

  /// The path in the file: `namespaces.default.ttl`.
  public String key() {
    return key;
  }

  /// `SEALBUF_` and the key, upper case, with `_` for each point.
  public String variable() {
    return "SEALBUF_" + key.replace('.', '_').toUpperCase(Locale.ROOT);
  }

  /// Whether SIGHUP changes it, or only another start.
  public boolean isLive() {
    return change == Change.BY_SIGHUP;
  }

  /// What the text means.
  ///
  /// @throws IllegalArgumentException with the rule and what was written
  Object parse(String text) {
    return switch (this) {
      case SOCKET -> socket(text);
      case GROUP -> group(text);
      case CAPACITY -> capacity(text);
      case EVICTION -> eviction(text);
      case TTL -> ttl(text);
    };
  }

  private static Path socket(String text) {
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    if (bytes == 0 || bytes > UnixSocket.PATH_MAX) {
      throw new IllegalArgumentException(
          "a path of a socket is of 1 to %d bytes: bytes=%d".formatted(UnixSocket.PATH_MAX, bytes));
    }
    return Path.of(text);
  }

  static OptionalLong group(String text) {
    return text.equals(NO_GROUP) ? OptionalLong.empty() : OptionalLong.of(GroupId.parse(text));
  }

  static long capacity(String text) {
    long bytes = ByteSize.parse(text);
    if (bytes < StoreConfig.CAPACITY_MIN || bytes > StoreConfig.CAPACITY_MAX) {
      throw new IllegalArgumentException(
          "out of bounds: bytes=%d min=%d max=%d"
              .formatted(bytes, StoreConfig.CAPACITY_MIN, StoreConfig.CAPACITY_MAX));
    }
    return bytes;
  }

  static Eviction eviction(String text) {
    return Arrays.stream(Eviction.values())
        .filter(each -> name(each).equals(text))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no such eviction: name=%s known=%s"
                    .formatted(
                        text,
                        Arrays.stream(Eviction.values())
                            .map(Setting::name)
                            .collect(Collectors.joining(",")))));
  }

  private static String name(Eviction eviction) {
    return eviction.name().toLowerCase(Locale.ROOT);
  }

  static OptionalLong ttl(String text) {
    return text.equals(NO_END) ? OptionalLong.empty() : OptionalLong.of(TimeSpan.parseMillis(text));
  }
}
