package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// This process maps as many segments as it safely can.
public final class TooManyMappingsException extends StoreFullException {
  TooManyMappingsException(String message) {
    super(ErrorCode.TOO_MANY_MAPPINGS, message);
  }
}
