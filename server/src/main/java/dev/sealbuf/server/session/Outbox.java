package dev.sealbuf.server.session;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.Reply;
import java.util.List;

/// Where a session's replies go: to the outgoing queue of its connection.
public interface Outbox {
  /// Sends a reply together with descriptors. They belong to the outbox from now on, which closes
  /// each exactly once, whether the reply leaves or not.
  void send(Reply reply, List<Fd> descriptors);

  /// Sends one more reply and closes the connection when it has left.
  void sendLast(Reply reply);

  /// Sends a reply without descriptors.
  default void send(Reply reply) {
    send(reply, List.of());
  }
}
