package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The store has no room below its capacity, no free slot, or no descriptors left.
public class StoreFullException extends SealbufException {
  StoreFullException(String message) {
    super(ErrorCode.STORE_FULL, message);
  }

  StoreFullException(ErrorCode code, String message) {
    super(code, message);
  }
}
