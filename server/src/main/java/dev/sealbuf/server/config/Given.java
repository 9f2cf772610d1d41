package dev.sealbuf.server.config;

/// What somebody said about a key.
///
/// @param from where: `sealbuf.yaml:12`, `$SEALBUF_CAPACITY`, `--capacity`, or `default`
public record Given(Key key, String text, String from) {}
