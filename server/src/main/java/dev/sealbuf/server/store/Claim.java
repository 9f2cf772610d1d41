package dev.sealbuf.server.store;

/// What a buffer is to be: its id and its name, which nobody else has.
///
/// @param madeUp whether the name was made up, so that the buffer ends with its session
record Claim(long buffer, Name name, boolean madeUp) {
  /// With a name that was given.
  Claim(long buffer, Name name) {
    this(buffer, name, false);
  }
}
