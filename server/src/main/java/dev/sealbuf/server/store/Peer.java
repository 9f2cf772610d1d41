package dev.sealbuf.server.store;

/// Who asks: a session, and the uid that the kernel named when it connected.
public record Peer(long session, int uid) {}
