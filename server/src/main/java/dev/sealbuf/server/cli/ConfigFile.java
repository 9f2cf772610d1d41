package dev.sealbuf.server.cli;

import dev.sealbuf.server.store.NamespacePolicy;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.ToLongFunction;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What `sealbuf serve --config FILE` says: one JSON object. An option of the command line wins
/// over it.
///
/// ```json
/// {
///   "capacity": "4GiB",
///   "namespaces": {"default": {"eviction": "oldest", "ttl": "10m"}}
/// }
/// ```
///
/// Every field may be absent. One that is not known is refused: it would be a setting that somebody
/// relies on and that does nothing.
///
/// @param policy of the namespace `default`, the only one
record ConfigFile(OptionalLong capacity, NamespacePolicy policy) {
  /// Nothing is set.
  static final ConfigFile EMPTY = new ConfigFile(OptionalLong.empty(), NamespacePolicy.DEFAULT);

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /// What is wrong with the file, said with its name.
  static final class InvalidException extends Exception {
    InvalidException(String message) {
      super(message);
    }
  }

  static ConfigFile read(Path file) throws InvalidException {
    try {
      return parse(Files.readString(file));
    } catch (IOException e) {
      throw new InvalidException(
          "the configuration cannot be read: file=%s cause=%s".formatted(file, e));
    } catch (InvalidException e) {
      throw new InvalidException(e.getMessage() + " file=" + file);
    }
  }

  private static ConfigFile parse(String text) throws InvalidException {
    try {
      JsonNode top = object(MAPPER.readTree(text), "the top", "capacity", "namespaces");
      if (top.isMissingNode()) {
        throw new InvalidException("a configuration is one JSON object: it is empty");
      }
      JsonNode spaces = object(top.path("namespaces"), "namespaces", "default");
      JsonNode space = object(spaces.path("default"), "default", "eviction", "ttl");
      OptionalLong capacity = number(top, "capacity", ByteSize::parse);
      OptionalLong ttl = number(space, "ttl", TimeSpan::parseMillis);
      return new ConfigFile(capacity, new NamespacePolicy(eviction(space), ttl));
    } catch (JacksonException e) {
      throw new InvalidException("a configuration is one JSON object: " + e.getOriginalMessage());
    } catch (TypeConversionException e) {
      throw new InvalidException(String.valueOf(e.getMessage()));
    }
  }

  /// What may be absent, and else is an object of these fields at most.
  private static JsonNode object(JsonNode node, String where, String... known)
      throws InvalidException {
    if (!node.isMissingNode() && !node.isObject()) {
      throw new InvalidException("not an object: where=" + where);
    }
    for (String name : node.propertyNames()) {
      if (!List.of(known).contains(name)) {
        throw new InvalidException(
            "no such setting: name=%s where=%s known=%s"
                .formatted(name, where, String.join(",", known)));
      }
    }
    return node;
  }

  private static OptionalLong number(JsonNode object, String name, ToLongFunction<String> parse)
      throws InvalidException {
    Optional<String> text = text(object, name);
    return text.isPresent() ? OptionalLong.of(parse.applyAsLong(text.get())) : OptionalLong.empty();
  }

  private static Optional<String> text(JsonNode object, String name) throws InvalidException {
    JsonNode value = object.path(name);
    if (!value.isMissingNode() && !value.isString()) {
      throw new InvalidException("not a string: name=" + name);
    }
    return value.isMissingNode() ? Optional.empty() : Optional.of(value.stringValue());
  }

  private static Eviction eviction(JsonNode space) throws InvalidException {
    String name = text(space, "eviction").orElse("none");
    for (Eviction known : Eviction.values()) {
      if (known.name().toLowerCase(Locale.ROOT).equals(name)) {
        return known;
      }
    }
    throw new InvalidException("no such eviction: name=%s known=none,oldest".formatted(name));
  }
}
