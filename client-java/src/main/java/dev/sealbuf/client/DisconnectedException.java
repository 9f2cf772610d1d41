package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The daemon went away. Views of sealed buffers stay valid.
public class DisconnectedException extends SealbufException {
  DisconnectedException(String message) {
    super(ErrorCode.DISCONNECTED, message);
  }

  DisconnectedException(ErrorCode code, String message) {
    super(code, message);
  }
}
