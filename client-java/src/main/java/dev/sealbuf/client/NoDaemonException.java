package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// Nobody listens at the socket.
public final class NoDaemonException extends DisconnectedException {
  NoDaemonException(String message) {
    super(ErrorCode.NO_DAEMON, message);
  }
}
