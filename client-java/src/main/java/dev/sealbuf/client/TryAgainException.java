package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// A passing shortage of sessions or of descriptors in flight.
public final class TryAgainException extends SealbufException {
  TryAgainException(String message) {
    super(ErrorCode.TRY_AGAIN, message);
  }
}
