package dev.sealbuf.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One buffer of `protocol/scenarios.json`.
///
/// @param created the length it is created with, where it is sealed at less
record Scenario(
    String claim,
    boolean inPlace,
    Optional<String> name,
    String seed,
    long nbytes,
    OptionalLong created) {

  /// The list, from the folder beside the modules.
  static Path file() {
    return Stream.of(Path.of("protocol"), Path.of("..", "protocol"))
        .filter(Files::isDirectory)
        .findFirst()
        .orElseThrow()
        .resolve("scenarios.json")
        .toAbsolutePath()
        .normalize();
  }

  static List<Scenario> read(Path file) throws IOException {
    JsonNode list = JsonMapper.shared().readTree(Files.readString(file));
    return list.valueStream().map(Scenario::of).toList();
  }

  private static Scenario of(JsonNode node) {
    return new Scenario(
        node.get("claim").asString(),
        node.get("how").asString().equals("create"),
        node.get("name").isNull() ? Optional.empty() : Optional.of(node.get("name").asString()),
        node.get("seed").asString(),
        node.get("nbytes").asLong(),
        node.has("created") ? OptionalLong.of(node.get("created").asLong()) : OptionalLong.empty());
  }
}
