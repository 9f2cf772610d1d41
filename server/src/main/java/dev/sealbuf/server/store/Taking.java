package dev.sealbuf.server.store;

/// A buffer that was found for one who takes it, as `taken` announces it. It is published until
/// `commit`, which belongs into the same turn; without it nothing has happened.
public record Taking(String name, long buffer, Location location, Runnable commit) {}
