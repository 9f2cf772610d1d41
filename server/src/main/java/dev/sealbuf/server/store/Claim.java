package dev.sealbuf.server.store;

/// What a buffer is to be: its id and its name, which nobody else has.
record Claim(long buffer, Name name) {}
