package dev.sealbuf.server.cli;

import tools.jackson.databind.json.JsonMapper;

/// What `--json` prints: one value, indented, with a line break at its end.
final class Json {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private Json() {}

  static String text(Object value) {
    return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(value)
        + System.lineSeparator();
  }
}
