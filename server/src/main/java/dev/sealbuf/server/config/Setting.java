package dev.sealbuf.server.config;

import dev.sealbuf.client.SocketPath;
import dev.sealbuf.memory.UnixSocket;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import dev.sealbuf.server.store.Quota;
import dev.sealbuf.server.store.StoreConfig;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/// What can be set, of the daemon and of each namespace. `deploy/sealbuf.yaml` explains each, with
/// its default.
public enum Setting {
  SOCKET("socket", Of.DAEMON, Change.BY_RESTART, SocketPath.resolve().toString()),
  GROUP("group", Of.DAEMON, Change.BY_RESTART, "none"),
  CAPACITY("capacity", Of.DAEMON, Change.BY_SIGHUP, "1GiB"),
  SHARE("capacity", Of.NAMESPACE, Change.BY_SIGHUP, "rest"),
  READ("read", Of.NAMESPACE, Change.BY_SIGHUP, Principals.EVERYONE),
  PUBLISH("publish", Of.NAMESPACE, Change.BY_SIGHUP, Principals.EVERYONE),
  ADMINISTER("administer", Of.NAMESPACE, Change.BY_SIGHUP, Principals.NOBODY),
  QUOTA_BYTES("quota_bytes", Of.NAMESPACE, Change.BY_SIGHUP, "none"),
  QUOTA_BUFFERS("quota_buffers", Of.NAMESPACE, Change.BY_SIGHUP, "none"),
  EVICTION("eviction", Of.NAMESPACE, Change.BY_SIGHUP, "none"),
  TTL("ttl", Of.NAMESPACE, Change.BY_SIGHUP, "never");

  private enum Of {
    DAEMON,
    NAMESPACE
  }

  private enum Change {
    BY_RESTART,
    BY_SIGHUP
  }

  private final String word;
  private final Of of;
  private final Change change;
  private final String byDefault;

  Setting(String word, Of of, Change change, String byDefault) {
    this.word = word;
    this.of = of;
    this.change = change;
    this.byDefault = byDefault;
  }

  /// The last part of its path in the file.
  String word() {
    return word;
  }

  /// Whether each namespace has one of its own.
  boolean isOfNamespace() {
    return of == Of.NAMESPACE;
  }

  /// Whether SIGHUP changes it, or only another start.
  public boolean isLive() {
    return change == Change.BY_SIGHUP;
  }

  /// What holds where nobody says anything.
  String byDefault() {
    return byDefault;
  }

  /// What the text means.
  ///
  /// @throws IllegalArgumentException with the rule and what was written
  Object parse(String text) {
    return switch (this) {
      case SOCKET -> socket(text);
      case GROUP -> group(text);
      case CAPACITY -> capacity(text);
      case SHARE -> share(text);
      case READ, PUBLISH, ADMINISTER -> Principals.parse(text);
      case QUOTA_BYTES -> quotaBytes(text);
      case QUOTA_BUFFERS -> quotaBuffers(text);
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
    return text.equals(GROUP.byDefault)
        ? OptionalLong.empty()
        : OptionalLong.of(PosixId.group(text));
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

  /// Empty for what the others leave.
  static OptionalLong share(String text) {
    return text.equals(SHARE.byDefault) ? OptionalLong.empty() : OptionalLong.of(capacity(text));
  }

  static long quotaBytes(String text) {
    return text.equals(QUOTA_BYTES.byDefault) ? Quota.Limits.NONE.bytes() : ByteSize.parse(text);
  }

  static long quotaBuffers(String text) {
    if (text.equals(QUOTA_BUFFERS.byDefault)) {
      return Quota.Limits.NONE.buffers();
    }
    if (!text.matches("\\d{1,15}")) {
      throw new IllegalArgumentException("a number of buffers, or none: buffers=" + text);
    }
    return Long.parseLong(text);
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
    return text.equals(TTL.byDefault)
        ? OptionalLong.empty()
        : OptionalLong.of(TimeSpan.parseMillis(text));
  }
}
