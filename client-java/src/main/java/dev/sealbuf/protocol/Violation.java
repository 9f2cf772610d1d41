package dev.sealbuf.protocol;

/// A rule of the contract that somebody broke. The message says the rule first, then the evidence.
public abstract sealed class Violation extends Exception
    permits FrameException, HeadException, NameException, LayoutException, DescriptionException {
  private final String message;

  Violation(String message) {
    super(message);
    this.message = message;
  }

  @Override
  public final String getMessage() {
    return message;
  }
}
