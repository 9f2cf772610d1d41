package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The name is taken, or being written.
public final class AlreadyExistsException extends SealbufException {
  AlreadyExistsException(String message) {
    super(ErrorCode.ALREADY_EXISTS, message);
  }
}
