package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// This process's uid may not do that.
public final class NotPermittedException extends SealbufException {
  NotPermittedException(String message) {
    super(ErrorCode.NOT_PERMITTED, message);
  }
}
