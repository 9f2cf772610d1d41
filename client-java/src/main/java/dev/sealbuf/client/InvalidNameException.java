package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// A name is 1 to 255 bytes of UTF-8 without control characters.
public final class InvalidNameException extends SealbufException {
  InvalidNameException(String message) {
    super(ErrorCode.INVALID_NAME, message);
  }
}
