package dev.sealbuf.server.namespace;

import dev.sealbuf.server.store.Peer;
import dev.sealbuf.server.store.Store;

/// A session's place in a namespace: what it asks, and as whom.
public record Membership(String namespace, Store store, Peer peer) {}
