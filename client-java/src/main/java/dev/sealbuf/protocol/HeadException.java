package dev.sealbuf.protocol;

/// A head that is not what the tables say. The stream is still in step: the frame is answered with
/// `invalid_request` and the connection goes on.
public final class HeadException extends Violation {
  private final long seq;

  public HeadException(long seq, String message) {
    super(message);
    this.seq = seq;
  }

  /// The number of the request, as far as it could be read; otherwise 0.
  public long seq() {
    return seq;
  }
}
