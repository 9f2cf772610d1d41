package dev.sealbuf.server.store;

import java.nio.ByteBuffer;

/// A page of a listing: `count` objects in a JSON array, and where to go on (0: nowhere, it was the
/// last).
public record Page(int count, long cursor, ByteBuffer json) {}
