package dev.sealbuf.server.store;

/// The right to create a name, as `reserved` announces it; `buffer` is the id that the buffer will
/// have.
public record Reservation(String name, long buffer) implements Standing {}
