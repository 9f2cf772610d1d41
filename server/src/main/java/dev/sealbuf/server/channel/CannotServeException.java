package dev.sealbuf.server.channel;

import java.io.IOException;

/// Why the daemon does not start, as a sentence for whoever started it.
public final class CannotServeException extends IOException {
  public CannotServeException(String message) {
    super(message);
  }

  CannotServeException(String message, IOException cause) {
    super(message + ": " + cause.getMessage(), cause);
  }
}
