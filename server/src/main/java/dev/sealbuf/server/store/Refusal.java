package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import java.io.IOException;

/// The store's no: a code of the error table, and a message with the rule first and the evidence
/// after it. Nothing has changed when it is thrown.
public final class Refusal extends Exception {
  private final ErrorCode code;

  public Refusal(ErrorCode code, String message) {
    super(message);
    this.code = code;
  }

  /// The kernel has no memory or no descriptors for what was asked.
  static Refusal shortage(IOException failure) {
    return new Refusal(
        ErrorCode.STORE_FULL, "the kernel gives no more: cause=" + failure.getMessage());
  }

  public ErrorCode code() {
    return code;
  }

  /// A refusal is an answer, not a fault: its stack would cost more than the request.
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }
}
