package dev.sealbuf.server.store;

/// A buffer that everybody can see now, as `published` announces it.
public record Publication(
    String name, long buffer, long version, long created, long slab, long slabBytes, long record) {}
