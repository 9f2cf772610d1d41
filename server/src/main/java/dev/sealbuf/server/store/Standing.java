package dev.sealbuf.server.store;

/// What who wants to have a name, or else create it, finds: the buffer, or the right to create it.
public sealed interface Standing permits Location, Reservation {}
