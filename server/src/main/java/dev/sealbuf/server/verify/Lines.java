package dev.sealbuf.server.verify;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// JSON, a line a value: how the processes of a verification speak with each other.
final class Lines {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private Lines() {}

  static String text(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  static JsonNode parse(String line) {
    return MAPPER.readTree(line);
  }
}
