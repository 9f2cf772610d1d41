package dev.sealbuf.server.config;

import java.util.List;

/// All that is wrong with a configuration, a line each.
public final class InvalidConfigurationException extends Exception {
  private final List<String> problems;

  InvalidConfigurationException(List<String> problems) {
    super(String.join(System.lineSeparator(), problems));
    this.problems = List.copyOf(problems);
  }

  /// `key: rule: evidence (where)`.
  public List<String> problems() {
    return problems;
  }
}
