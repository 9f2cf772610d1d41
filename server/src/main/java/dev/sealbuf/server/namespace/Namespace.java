package dev.sealbuf.server.namespace;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.server.access.AccessList;
import dev.sealbuf.server.access.Right;
import dev.sealbuf.server.store.Peer;
import dev.sealbuf.server.store.Store;

/// A store with a name. Sessions are numbered in each by itself: what others do elsewhere shows
/// nowhere.
final class Namespace {
  private final String name;
  private final Store store;
  private AccessList access;
  private long sessions;

  Namespace(String name, Store store, AccessList access) {
    this.name = name;
    this.store = store;
    this.access = access;
  }

  Store store() {
    return store;
  }

  AccessList access() {
    return access;
  }

  /// Goes on as told, with as much memory as there is. Who has a session keeps its rights.
  void change(NamespaceConfig next, long capacity) {
    access = next.access();
    store.change(capacity, next.capacity(), next.quota(), next.policy());
  }

  /// A session more.
  Membership enter(PeerCredentials peer, Right right) {
    Peer asking = new Peer(++sessions, (int) peer.uid(), peer.pid(), right);
    return new Membership(name, store, asking);
  }
}
