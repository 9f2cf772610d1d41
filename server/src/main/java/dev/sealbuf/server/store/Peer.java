package dev.sealbuf.server.store;

import dev.sealbuf.server.access.Right;

/// Who asks: a session, and the uid and the process that the kernel named when it connected.
///
/// @param pid 0 when it is in another PID namespace
/// @param right the greatest that it has here
public record Peer(long session, int uid, int pid, Right right) {
  /// Of a process that nobody will ask about.
  public Peer(long session, int uid) {
    this(session, uid, 0, Right.PUBLISH);
  }
}
