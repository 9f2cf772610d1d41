package dev.sealbuf.server.store;

import java.nio.ByteBuffer;

/// A page of `holders`, as `holding` announces it.
///
/// @param cursor where to go on; 0 after the last page
public record Holdings(int count, long cursor, ByteBuffer json) {}
