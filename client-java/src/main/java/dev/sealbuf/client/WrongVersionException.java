package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The daemon speaks another protocol, or another version of it.
public final class WrongVersionException extends ProtocolException {
  WrongVersionException(String message) {
    super(ErrorCode.WRONG_VERSION, message);
  }
}
