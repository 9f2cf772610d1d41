package dev.sealbuf.server.store;

import java.nio.ByteBuffer;

/// A page of a listing: `count` objects in a JSON array, where to go on (0: nowhere, it was the
/// last), and the last version that the listing shows.
public record Page(int count, long cursor, long until, ByteBuffer json) {}
