package dev.sealbuf.server.store;

/// A buffer that was found by a hold. The hold is used up by `commit`, which belongs into the same
/// turn; without it nothing has happened.
public record Opening(Location location, Runnable commit) {}
