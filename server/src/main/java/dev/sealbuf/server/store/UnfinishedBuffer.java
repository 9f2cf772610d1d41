package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.DedicatedSegment;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// A buffer that was reserved or created, and is neither published nor aborted.
///
/// | state | meaning | next |
/// |---|---|---|
/// | RESERVED | its producer has the name, and no memory | PREPARING, ENDED |
/// | PREPARING | a worker makes its memory | LENT, RESERVED (failed), ENDED |
/// | LENT | its producer has it | SEALING, RESERVED (taken back), ENDED |
/// | SEALING | waits for, or is in, a seal on a worker | LENT (refused), ENDED |
/// | ENDED | published, aborted, or its session is gone | - |
///
/// Only what began as a reservation becomes one again; a buffer that was created begins in
/// PREPARING and ends if that fails. Memory that a worker has in hand when its buffer ends is freed
/// when the worker gives it back.
final class UnfinishedBuffer {
  enum State {
    RESERVED,
    PREPARING,
    LENT,
    SEALING,
    ENDED
  }

  /// What it began as.
  private enum Origin {
    RESERVATION,
    BUFFER,
    BATCH
  }

  /// What its producer asked for when it created.
  ///
  /// @param heap what the form in the terms takes
  private record Order(
      long nbytes, Terms terms, SegmentSupply.Order memory, HeapPlaces.Lease heap) {}

  private final Claim claim;
  private final Peer producer;
  private final Origin origin;
  private State state = State.RESERVED;
  private @Nullable Order order;
  private @Nullable DedicatedSegment segment;

  /// A reservation.
  UnfinishedBuffer(Claim claim, Peer producer) {
    this(claim, producer, Origin.RESERVATION);
  }

  /// One that was created without being reserved.
  ///
  /// @param batch whether it will be several buffers; nobody has the name of its claim then
  UnfinishedBuffer(
      Claim claim,
      Peer producer,
      long nbytes,
      Terms terms,
      boolean batch,
      SegmentSupply.Order memory,
      HeapPlaces.Lease heap) {
    this(claim, producer, batch ? Origin.BATCH : Origin.BUFFER);
    prepare(nbytes, terms, memory, heap);
  }

  private UnfinishedBuffer(Claim claim, Peer producer, Origin origin) {
    this.claim = claim;
    this.producer = producer;
    this.origin = origin;
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

  /// Whether it began as one.
  boolean isReservation() {
    return origin == Origin.RESERVATION;
  }

  /// Whether it becomes several buffers.
  boolean isBatch() {
    return origin == Origin.BATCH;
  }

  /// As asked for; the segment may be larger.
  long nbytes() {
    return order().nbytes;
  }

  /// How many bytes a seal publishes that says so many, or none.
  long length(OptionalLong nbytes) throws Refusal {
    long length = nbytes.orElse(nbytes());
    if (length < 0 || length > nbytes()) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "a seal publishes at most what was created: buffer=%d nbytes=%d created=%d"
              .formatted(id(), length, nbytes()));
    }
    return length;
  }

  /// Of its first bytes.
  Form form(long length) throws Refusal {
    return length == nbytes() ? terms().form() : terms().form().shortened(length);
  }

  Terms terms() {
    return order().terms;
  }

  SegmentSupply.Order memory() {
    return order().memory;
  }

  Account.Charge charge() {
    return order().memory.charge();
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

  /// Its memory is being made.
  void prepare(long nbytes, Terms terms, SegmentSupply.Order memory, HeapPlaces.Lease heap) {
    move(State.RESERVED, State.PREPARING);
    order = new Order(nbytes, terms, memory, heap);
  }

  /// Its memory is there; the producer gets it, if the buffer has not ended meanwhile.
  void prepared(DedicatedSegment made) {
    segment = made;
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

  /// It is without memory again.
  void returnToReservation() {
    move(state == State.PREPARING ? State.PREPARING : State.LENT, State.RESERVED);
    order().heap.close();
    order = null;
    segment = null;
  }

  void end() {
    state = State.ENDED;
    if (order != null) {
      order.heap.close();
    }
  }

  private Order order() {
    if (order == null) {
      throw new IllegalStateException("a buffer was not created yet: buffer=" + id());
    }
    return order;
  }

  private void move(State from, State to) {
    if (state != from) {
      throw new IllegalStateException(
          "not in this state: buffer=%d state=%s expected=%s".formatted(id(), state, from));
    }
    state = to;
  }
}
