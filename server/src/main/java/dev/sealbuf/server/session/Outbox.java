package dev.sealbuf.server.session;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.Reply;
import java.nio.ByteBuffer;
import java.util.List;

/// Where a session's replies go: to the outgoing queue of its connection.
public interface Outbox {
  /// Sends a reply together with descriptors. They belong to the outbox from now on, which closes
  /// each exactly once, whether the reply leaves or not.
  void send(Reply reply, List<Fd> descriptors);

  /// Sends a reply if its descriptors can leave now, and does `commit` before the peer can read it.
  ///
  /// @param descriptors at least one; they belong to the outbox as above
  /// @return false if nothing was sent and nothing done
  boolean send(Reply reply, List<Fd> descriptors, Runnable commit);

  /// Sends a reply if its descriptors can leave now.
  ///
  /// @param descriptors at least one; they belong to the outbox as above
  /// @return false if nothing was sent
  boolean sendNow(Reply reply, List<Fd> descriptors);

  /// Sends an event behind the replies, soon; false if there is no room for it, since the peer does
  /// not read. When all events have left, the session is told by [Session#eventsTaken].
  ///
  /// @param frame copied
  boolean sendEvent(ByteBuffer frame);

  /// Sends one more reply and closes the connection when it has left.
  void sendLast(Reply reply);

  /// Sends a reply without descriptors.
  default void send(Reply reply) {
    send(reply, List.of());
  }
}
