package dev.sealbuf.server.access;

import dev.sealbuf.memory.PeerCredentials;

/// Who is meant by an entry of an [AccessList].
public sealed interface Principal {
  /// Whether this peer is.
  ///
  /// @param mapped whether its uid is its own: that of a peer behind a user namespace may be
  ///   anybody's there, so it is meant only by who names it
  boolean means(PeerCredentials peer, boolean mapped);

  /// Whoever may connect.
  record Everyone() implements Principal {
    @Override
    public boolean means(PeerCredentials peer, boolean mapped) {
      return mapped;
    }
  }

  /// One uid.
  record User(long uid) implements Principal {
    @Override
    public boolean means(PeerCredentials peer, boolean mapped) {
      return peer.uid() == uid;
    }
  }

  /// The members of a group, as they were when they connected.
  record Group(long gid) implements Principal {
    @Override
    public boolean means(PeerCredentials peer, boolean mapped) {
      return mapped && (peer.gid() == gid || peer.groups().contains(gid));
    }
  }
}
