package dev.sealbuf.protocol;

/// A description that breaks the rules for descriptions.
public final class DescriptionException extends Violation {
  public DescriptionException(String message) {
    super(message);
  }
}
