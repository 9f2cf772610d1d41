package dev.sealbuf.server.store;

/// Who may end a buffer: the uid it belongs to, and the daemon's own, which could do it by other
/// means.
record Rights(int daemonUid) {
  boolean mayEnd(Peer peer, int ownerUid) {
    return peer.uid() == ownerUid || peer.uid() == daemonUid;
  }
}
