package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The stream or the shared memory cannot be trusted any more.
public class ProtocolException extends SealbufException {
  ProtocolException(String message) {
    super(ErrorCode.PROTOCOL, message);
  }

  ProtocolException(ErrorCode code, String message) {
    super(code, message);
  }
}
