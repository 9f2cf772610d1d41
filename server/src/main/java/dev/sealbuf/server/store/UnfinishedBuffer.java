package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.DedicatedSegment;
import org.jspecify.annotations.Nullable;

/// A buffer that was created and is neither published nor aborted.
///
/// | state | meaning | next |
/// |---|---|---|
/// | PREPARING | a worker makes its memory | LENT, ENDED |
/// | LENT | its producer has it | SEALING, ENDED |
/// | SEALING | waits for, or is in, a seal on a worker | LENT (refused), ENDED |
/// | ENDED | published, aborted, or its session is gone | - |
///
/// Memory that a worker has in hand when its buffer ends is freed when the worker gives it back.
final class UnfinishedBuffer {
  enum State {
    PREPARING,
    LENT,
    SEALING,
    ENDED
  }

  private final Claim claim;
  private final Peer producer;
  private final long nbytes;
  private final Terms terms;
  private final Account.Charge charge;
  private State state = State.PREPARING;
  private @Nullable DedicatedSegment segment;

  UnfinishedBuffer(Claim claim, Peer producer, long nbytes, Terms terms, Account.Charge charge) {
    this.claim = claim;
    this.producer = producer;
    this.nbytes = nbytes;
    this.terms = terms;
    this.charge = charge;
  }

  Claim claim() {
    return claim;
  }

  long id() {
    return claim.buffer();
  }

  Peer producer() {
    return producer;
  }

  /// As asked for; the segment may be larger.
  long nbytes() {
    return nbytes;
  }

  Terms terms() {
    return terms;
  }

  Account.Charge charge() {
    return charge;
  }

  State state() {
    return state;
  }

  DedicatedSegment segment() {
    if (segment == null) {
      throw new IllegalStateException("a buffer has no memory yet: buffer=" + id());
    }
    return segment;
  }

  boolean hasEnded() {
    return state == State.ENDED;
  }

  /// Its memory is there; the producer gets it, if the buffer has not ended meanwhile.
  void prepared(DedicatedSegment memory) {
    segment = memory;
    if (!hasEnded()) {
      move(State.PREPARING, State.LENT);
    }
  }

  void beginSeal() {
    move(State.LENT, State.SEALING);
  }

  /// The seal was refused; it can be tried again.
  void returnFromSeal() {
    move(State.SEALING, State.LENT);
  }

  void end() {
    state = State.ENDED;
  }

  private void move(State from, State to) {
    if (state != from) {
      throw new IllegalStateException(
          "not in this state: buffer=%d state=%s expected=%s".formatted(id(), state, from));
    }
    state = to;
  }
}
