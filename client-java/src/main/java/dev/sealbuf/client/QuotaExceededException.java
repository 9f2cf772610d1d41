package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// A limit of this session or of this uid is reached.
public final class QuotaExceededException extends SealbufException {
  QuotaExceededException(String message) {
    super(ErrorCode.QUOTA_EXCEEDED, message);
  }
}
