package dev.sealbuf.server.store;

/// A name that is out of the catalog now, as `deleted` announces it.
public record Deletion(String name, long buffer) {}
