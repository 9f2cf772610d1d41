package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// The daemon went away, and what was asked of it may or may not have happened. Views of sealed
/// buffers stay valid; the next call connects to the next daemon.
public class DisconnectedException extends SealbufException {
  /// Whether the request surely had no effect, because the daemon never had the whole of it.
  private final boolean unsent;

  DisconnectedException(String message) {
    this(message, false);
  }

  DisconnectedException(ErrorCode code, String message) {
    super(code, message);
    this.unsent = true;
  }

  private DisconnectedException(String message, boolean unsent) {
    super(ErrorCode.DISCONNECTED, message);
    this.unsent = unsent;
  }

  static DisconnectedException unsent(String message) {
    return new DisconnectedException(message, true);
  }

  boolean isUnsent() {
    return unsent;
  }
}
