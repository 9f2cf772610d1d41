package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// There is no buffer of that name, or no such unfinished buffer.
public final class NotFoundException extends SealbufException {
  NotFoundException(String message) {
    super(ErrorCode.NOT_FOUND, message);
  }
}
