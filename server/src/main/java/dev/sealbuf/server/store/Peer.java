package dev.sealbuf.server.store;

/// Who asks: a session, and the uid and the process that the kernel named when it connected.
///
/// @param pid 0 when it is in another PID namespace
public record Peer(long session, int uid, int pid) {
  /// Of a process that nobody will ask about.
  public Peer(long session, int uid) {
    this(session, uid, 0);
  }
}
