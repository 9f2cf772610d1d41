package dev.sealbuf.protocol;

/// The stream cannot be trusted any more: the daemon answers with the code and closes, a client
/// closes.
public final class FrameException extends Violation {
  private final ErrorCode code;

  public FrameException(ErrorCode code, String message) {
    super(message);
    this.code = code;
  }

  /// `wrong_version` or `protocol`.
  public ErrorCode code() {
    return code;
  }
}
