package dev.sealbuf.server.segment;

/// What came of one attempt to seal a dedicated segment.
public sealed interface SealOutcome {
  /// Nobody can change it any more, and it is what was lent.
  record Sealed() implements SealOutcome {}

  /// Somebody can still write to it; nothing has changed.
  record StillMapped() implements SealOutcome {}

  /// Its producer did something to it after which it can never be published.
  record Spoiled(String reason) implements SealOutcome {}
}
