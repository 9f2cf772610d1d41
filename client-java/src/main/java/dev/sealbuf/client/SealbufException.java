package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// What a store can answer instead of doing what it was asked; one subtype for each code of the
/// protocol's error table. Messages say the rule first, then the evidence, then what to do.
public abstract class SealbufException extends RuntimeException {
  private final ErrorCode code;

  SealbufException(ErrorCode code, String message) {
    super(message);
    this.code = code;
  }

  /// The code of the error table.
  public final ErrorCode code() {
    return code;
  }
}
