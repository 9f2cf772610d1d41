package dev.sealbuf.server.store;

/// One word of the catalog: which table, and which of its slots.
record Slot(int table, int index) {}
