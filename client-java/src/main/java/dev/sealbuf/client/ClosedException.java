package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The store, writer or buffer was closed by its user.
public final class ClosedException extends SealbufException {
  ClosedException(String message) {
    super(ErrorCode.CLOSED, message);
  }
}
