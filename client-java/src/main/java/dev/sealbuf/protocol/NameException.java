package dev.sealbuf.protocol;

/// A name that the protocol does not allow (`invalid_name`).
public final class NameException extends Violation {
  public NameException(String message) {
    super(message);
  }
}
