package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// Somebody can still write to the segment; nothing has changed.
public final class StillMappedException extends SealbufException {
  StillMappedException(String message) {
    super(ErrorCode.STILL_MAPPED, message);
  }
}
