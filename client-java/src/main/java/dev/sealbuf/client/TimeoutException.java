package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The deadline passed before the answer came.
public final class TimeoutException extends SealbufException {
  TimeoutException(String message) {
    super(ErrorCode.TIMEOUT, message);
  }
}
