package dev.sealbuf.server.config;

/// What somebody said about a setting.
///
/// @param from where: `sealbuf.yaml:12`, `$SEALBUF_CAPACITY`, `--capacity`, or `default`
public record Given(Setting setting, String text, String from) {}
