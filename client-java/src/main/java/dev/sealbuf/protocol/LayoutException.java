package dev.sealbuf.protocol;

/// A number in shared memory that cannot be right. Nothing was read through it.
public final class LayoutException extends Violation {
  public LayoutException(String message) {
    super(message);
  }
}
