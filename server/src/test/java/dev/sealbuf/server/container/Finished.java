package dev.sealbuf.server.container;

/// What came of a command or of a container.
///
/// @param output standard output and standard error
record Finished(long status, String output) {}
