package dev.sealbuf.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// One buffer of `protocol/typed.json`; the seed is its name too.
record TypedCase(
    String seed,
    String format,
    Optional<String> typestr,
    long itemsize,
    List<Long> dimensions,
    boolean fortran,
    int nbytes) {

  static Path file() {
    return Scenario.file().resolveSibling("typed.json");
  }

  static List<TypedCase> read(Path file) throws IOException {
    JsonNode list = JsonMapper.shared().readTree(Files.readString(file));
    return list.valueStream().map(TypedCase::of).toList();
  }

  private static TypedCase of(JsonNode node) {
    return new TypedCase(
        node.get("seed").asString(),
        node.get("format").asString(),
        node.has("typestr") ? Optional.of(node.get("typestr").asString()) : Optional.empty(),
        node.get("itemsize").asLong(),
        node.get("shape").valueStream().map(JsonNode::asLong).toList(),
        node.get("order").asString().equals("F"),
        node.get("nbytes").asInt());
  }

  byte[] content() {
    return Content.of(seed, nbytes);
  }

  /// As a user says it.
  Shape shape() {
    ElementType type = typestr.map(ElementType::ofTypestr).orElseGet(() -> ElementType.of(format));
    long[] axes = dimensions.stream().mapToLong(Long::longValue).toArray();
    return fortran ? Shape.ofFortran(type, axes) : Shape.of(type, axes);
  }

  /// By the rule of the list, not by that of [Shape].
  List<Long> strides() {
    Long[] strides = new Long[dimensions.size()];
    long stride = itemsize;
    for (int step = 0; step < strides.length; step++) {
      int axis = fortran ? step : strides.length - 1 - step;
      strides[axis] = stride;
      stride *= Math.max(1, dimensions.get(axis));
    }
    return List.of(strides);
  }
}
