package dev.sealbuf.server.namespace;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.server.access.AccessList;
import dev.sealbuf.server.access.Right;
import dev.sealbuf.server.store.Peer;
import dev.sealbuf.server.store.Store;

/// A store with a name. Sessions are numbered in each by itself: what others do elsewhere shows
/// nowhere.
final class Namespace {
  private final Store store;
  private NamespaceConfig config;
  private long sessions;

  Namespace(NamespaceConfig config, Store store) {
    this.config = config;
    this.store = store;
  }

  /// What it was told last.
  NamespaceConfig config() {
    return config;
  }

  Store store() {
    return store;
  }

  AccessList access() {
    return config.access();
  }

  /// Goes on as told, with as much memory as there is. Who has a session keeps its rights.
  void change(NamespaceConfig next, long capacity) {
    config = next;
    store.change(capacity, next.capacity(), next.quota(), next.policy());
  }

  /// A session more.
  Membership enter(PeerCredentials peer, Right right) {
    Peer asking = new Peer(++sessions, (int) peer.uid(), peer.pid(), right);
    return new Membership(config.name(), store, asking);
  }
}
