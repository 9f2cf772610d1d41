package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The call asks for something that cannot be.
public final class InvalidRequestException extends SealbufException {
  InvalidRequestException(String message) {
    super(ErrorCode.INVALID_REQUEST, message);
  }
}
