package dev.sealbuf.server.cli;

/// One line of the doctor's.
///
/// @param fact what was found
/// @param advice what to change; empty when it is well
record Finding(String subject, String fact, String advice) {
  static Finding ok(String subject, String fact) {
    return new Finding(subject, fact, "");
  }

  static Finding warn(String subject, String fact, String advice) {
    return new Finding(subject, fact, advice);
  }

  boolean isOk() {
    return advice.isEmpty();
  }
}
