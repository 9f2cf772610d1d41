package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.SealOutcome;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/// Large buffers, from create to seal or abort.
///
/// ```
/// create:  admit -> [worker: prepare, if none is at hand] -> two fresh descriptions -> Loan
/// seal:             [worker: WRITE and SEAL, verify] -> record, word -> Publication
/// ```
///
/// Bytes are charged before a page is touched and until the daemon lets go of the segment. A buffer
/// may end at any point, also while a worker has its memory in hand: then its name is free at once,
/// and its memory and its charge go when the worker gives it back. Whoever takes something back
/// from a worker looks at that first.
final class Lender {
  /// A worker gives back a GiB in 4 ms, in 150 ms if it is in small pages; a thousand segments are
  /// let go of in some 30 turns.
  private static final int CLOSING_MILLIS = 5;

  private static final int CLOSING_TRIES = 200;

  private final SegmentSupply supply;
  private final Claims claims;
  private final Reservations reservations;
  private final PublishedBuffers published;
  private final Publisher publisher;
  private final UnfinishedBuffers unfinished;
  private final Workers workers;
  private final SealQueue seals;
  private final HeldSegments held;
  private final Ledger ledger;

  Lender(
      SegmentSupply supply,
      Claims claims,
      Reservations reservations,
      PublishedBuffers published,
      Publisher publisher,
      UnfinishedBuffers unfinished,
      Workers workers,
      SealQueue seals,
      HeldSegments held,
      Ledger ledger) {
    this.supply = supply;
    this.claims = claims;
    this.reservations = reservations;
    this.published = published;
    this.publisher = publisher;
    this.unfinished = unfinished;
    this.workers = workers;
    this.seals = seals;
    this.held = held;
    this.ledger = ledger;
  }

  /// Refuses a create for what it asks, room aside.
  void requireAdmissible(Peer peer, Optional<String> name, long nbytes, Terms terms)
      throws Refusal {
    requireLength(nbytes);
    if (reservations.used(peer, name, terms).isEmpty()) {
      unfinished.requireRoom(peer);
      if (name.isPresent()) {
        var _ = claims.requireMayHave(peer, name.get(), terms);
      }
    }
  }

  private static void requireLength(long nbytes) throws Refusal {
    if (nbytes < 0) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST, "a buffer has 0 bytes or more: nbytes=" + nbytes);
    }
  }

  CompletionStage<Loan> create(Peer peer, Optional<String> name, long nbytes, Terms terms) {
    return create(peer, name, nbytes, terms, false);
  }

  /// Lends a segment for several buffers, which get their names when it is sealed.
  CompletionStage<Loan> createBatch(Peer peer, long nbytes, Terms terms) {
    return create(peer, Optional.empty(), nbytes, terms, true);
  }

  private CompletionStage<Loan> create(
      Peer peer, Optional<String> name, long nbytes, Terms terms, boolean batch) {
    try {
      HeapPlaces.Lease heap = unfinished.keep(peer, terms.form().heapBytes());
      Terms kept = terms.kept();
      return create(peer, () -> admit(peer, name, nbytes, kept, batch, heap), CLOSING_TRIES)
          .whenComplete((_, failure) -> {
            if (failure != null) {
              heap.close();
            }
          });
    } catch (Refusal e) {
      return CompletableFuture.failedStage(e);
    }
  }

  /// Who asks right after a deletion is not refused for memory that a worker is giving back. Whose
  /// session has ended by then is given nothing: nobody would end it.
  private CompletionStage<Loan> create(Peer peer, Admission admission, int tries) {
    try {
      return prepare(admission.admit());
    } catch (Refusal e) {
      if (e.code() != ErrorCode.STORE_FULL || !isGivingBack() || tries == 0) {
        return CompletableFuture.failedStage(e);
      }
      CompletableFuture<CompletionStage<Loan>> later = new CompletableFuture<>();
      workers.callLater(
          CLOSING_MILLIS,
          () -> peer,
          _ ->
              later.complete(
                  ledger.isLiving(peer)
                      ? create(peer, admission, tries - 1)
                      : CompletableFuture.failedStage(e)),
          later::completeExceptionally);
      return later.thenCompose(Function.identity());
    }
  }

  private boolean isGivingBack() {
    return held.isGivingBack() || supply.isGivingBack();
  }

  /// What may be refused of a create.
  @FunctionalInterface
  private interface Admission {
    UnfinishedBuffer admit() throws Refusal;
  }

  /// Makes a buffer of a spare, as if its memory had come from a create. If that is refused it
  /// stays a spare.
  void adopt(Peer peer, Spares.Spare spare, Optional<String> name, long nbytes, Terms terms)
      throws Refusal {
    requireAdmissible(peer, name, nbytes, terms);
    if (nbytes > spare.segment().bytes()) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "a buffer lies in its segment: nbytes=%d segment_bytes=%d"
              .formatted(nbytes, spare.segment().bytes()));
    }
    Claim claim = claims.with(OptionalLong.of(spare.id()), peer, name, terms);
    published.requireSlot(claim.name(), peer);
    HeapPlaces.Lease heap = unfinished.keep(peer, terms.form().heapBytes());
    UnfinishedBuffer buffer =
        new UnfinishedBuffer(claim, peer, nbytes, terms.kept(), false, spare.memory(), heap);
    unfinished.add(buffer);
    buffer.prepared(spare.segment());
  }

  CompletionStage<Publication> seal(Peer peer, long id, OptionalLong nbytes) {
    try {
      UnfinishedBuffer buffer = require(id);
      requireSealable(peer, buffer, false);
      long length = buffer.length(nbytes);
      Form form = buffer.form(length);
      return seal(buffer, () -> publisher.publish(buffer, length, form));
    } catch (Refusal e) {
      return CompletableFuture.failedStage(e);
    }
  }

  CompletionStage<BatchPublication> sealMany(Peer peer, long id, List<BatchIndex.Entry> index) {
    try {
      UnfinishedBuffer batch = require(id);
      requireSealable(peer, batch, true);
      Batch.requirePlaces(index, batch.nbytes());
      HeapPlaces.Lease heap = unfinished.keep(peer, Batch.heapBytes(index));
      return seal(
              batch,
              () -> publisher.publishMany(batch, claims.nextOf(index, peer, batch.terms()), index))
          .whenComplete((_, _) -> heap.close());
    } catch (Refusal e) {
      return CompletableFuture.failedStage(e);
    }
  }

  /// Bytes that a seal will need beyond those of a record without form.
  long formBytes(long id) {
    return unfinished
        .find(id)
        .filter(buffer -> buffer.state() == UnfinishedBuffer.State.LENT)
        .map(buffer -> buffer.terms().form().bytes())
        .orElse(0L);
  }

  void abort(Peer peer, long id) throws Refusal {
    UnfinishedBuffer buffer = require(id);
    int owner = buffer.producer().uid();
    if (!Rights.mayEnd(peer, owner)) {
      throw new Refusal(
          ErrorCode.NOT_PERMITTED,
          "a buffer is aborted by the uid that created it: buffer=%d owner=%s uid=%s"
              .formatted(
                  id, Integer.toUnsignedString(owner), Integer.toUnsignedString(peer.uid())));
    }
    end(buffer);
  }

  /// The loan did not reach its producer.
  void takeBack(long id) throws Refusal {
    takeBack(require(id));
  }

  /// Ends everything that a session left unfinished.
  void endSession(long session) {
    unfinished.ofSession(session).forEach(this::end);
  }

  /// Ends everything that is unfinished.
  void endAll() {
    unfinished.all().forEach(this::end);
  }

  private UnfinishedBuffer admit(
      Peer peer,
      Optional<String> name,
      long nbytes,
      Terms terms,
      boolean batch,
      HeapPlaces.Lease heap)
      throws Refusal {
    requireLength(nbytes);
    supply.requireRoom(nbytes);
    Optional<UnfinishedBuffer> reserved = reservations.used(peer, name, terms);
    if (reserved.isPresent()) {
      SegmentSupply.Order memory = order(reserved.get().claim(), peer, nbytes);
      reserved.get().prepare(nbytes, terms, memory, heap);
      return reserved.get();
    }
    unfinished.requireRoom(peer);
    Claim claim = claims.next(peer, name, terms);
    SegmentSupply.Order memory = order(claim, peer, nbytes);
    UnfinishedBuffer buffer = new UnfinishedBuffer(claim, peer, nbytes, terms, batch, memory, heap);
    unfinished.add(buffer);
    return buffer;
  }

  private SegmentSupply.Order order(Claim claim, Peer peer, long nbytes) throws Refusal {
    published.requireSlot(claim.name(), peer);
    return supply.order(peer.uid(), nbytes);
  }

  private CompletionStage<Loan> prepare(UnfinishedBuffer buffer) {
    CompletableFuture<Loan> reply = new CompletableFuture<>();
    supply.deliver(
        buffer.memory(),
        segment -> settle(reply, () -> lend(buffer, segment)),
        failure -> {
          failed(buffer);
          reply.completeExceptionally(refusal(failure));
        });
    return reply;
  }

  /// There is no memory for it; a reservation is one again.
  private void failed(UnfinishedBuffer buffer) {
    buffer.charge().close();
    if (buffer.isReservation() && !buffer.hasEnded()) {
      buffer.returnToReservation();
    } else {
      forget(buffer);
    }
  }

  private Loan lend(UnfinishedBuffer buffer, DedicatedSegment segment) throws Refusal {
    buffer.prepared(segment);
    requireNotEnded(buffer);
    List<Fd> descriptors;
    try {
      descriptors = FreshDescriptors.open(segment::freshReadWrite, segment::freshReadOnly);
    } catch (Refusal e) {
      takeBack(buffer);
      throw e;
    }
    return new Loan(
        buffer.claim().name().text(),
        buffer.id(),
        buffer.nbytes(),
        segment.number(),
        segment.bytes(),
        descriptors);
  }

  private void requireSealable(Peer peer, UnfinishedBuffer buffer, boolean batch) throws Refusal {
    Peer producer = buffer.producer();
    if (!peer.equals(producer)) {
      throw new Refusal(
          ErrorCode.NOT_PERMITTED,
          "a buffer is sealed by the session that created it: buffer=%d creator=%d session=%d"
              .formatted(buffer.id(), producer.session(), peer.session()));
    }
    if (buffer.isBatch() != batch) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "one buffer is sealed by seal, a batch by seal_many: buffer=%d batch=%s"
              .formatted(buffer.id(), buffer.isBatch()));
    }
    if (buffer.state() != UnfinishedBuffer.State.LENT) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "a buffer is sealed after create and one seal at a time: buffer=%d state=%s"
              .formatted(buffer.id(), buffer.state().name().toLowerCase(Locale.ROOT)));
    }
  }

  private <T> CompletionStage<T> seal(UnfinishedBuffer buffer, Answer<T> publish) {
    CompletableFuture<T> reply = new CompletableFuture<>();
    buffer.beginSeal();
    seals.submit(
        buffer,
        outcome -> settle(reply, () -> conclude(buffer, publish, outcome)),
        failure ->
            settle(
                reply,
                () -> {
                  requireNotEnded(buffer);
                  buffer.returnFromSeal();
                  throw failure;
                }));
    return reply;
  }

  private <T> T conclude(UnfinishedBuffer buffer, Answer<T> publish, SealOutcome outcome)
      throws Throwable {
    requireNotEnded(buffer);
    buffer.returnFromSeal();
    switch (outcome) {
      case SealOutcome.Sealed() -> {}
      case SealOutcome.StillMapped() ->
          throw new Refusal(
              ErrorCode.STILL_MAPPED,
              "a seal needs every writable mapping and forked copy gone: buffer=%d waited_ms=%d"
                  .formatted(buffer.id(), SealQueue.PATIENCE_MILLIS));
      case SealOutcome.Spoiled(String reason) ->
          throw new Refusal(ErrorCode.INVALID_REQUEST, reason);
    }
    T publication = publish.get();
    handed(buffer);
    forget(buffer);
    return publication;
  }

  private UnfinishedBuffer require(long id) throws Refusal {
    return unfinished
        .find(id)
        .orElseThrow(() ->
            new Refusal(ErrorCode.NOT_FOUND, "no unfinished buffer has this id: buffer=" + id));
  }

  /// For what comes back from a worker: a buffer that ended meanwhile is freed now.
  private void requireNotEnded(UnfinishedBuffer buffer) throws Refusal {
    if (buffer.hasEnded()) {
      free(buffer);
      throw new Refusal(
          ErrorCode.NOT_FOUND, "the buffer was aborted meanwhile: buffer=" + buffer.id());
    }
  }

  private void end(UnfinishedBuffer buffer) {
    boolean here = buffer.state() == UnfinishedBuffer.State.LENT;
    forget(buffer);
    if (here) {
      free(buffer);
    }
  }

  private void takeBack(UnfinishedBuffer buffer) {
    if (buffer.state() == UnfinishedBuffer.State.LENT && buffer.isReservation()) {
      free(buffer);
      buffer.returnToReservation();
    } else {
      end(buffer);
    }
  }

  private void forget(UnfinishedBuffer buffer) {
    unfinished.remove(buffer);
    buffer.end();
    supply.finished();
  }

  /// What its producer was lent is now what others find, or what may be held.
  private void handed(UnfinishedBuffer buffer) {
    long number = buffer.segment().number();
    ledger.handed(buffer.producer(), SegmentKey.of(SegmentKind.DEDICATED, number));
  }

  private void free(UnfinishedBuffer buffer) {
    handed(buffer);
    held.letGo(buffer.segment(), buffer.charge(), buffer.claim().name().text());
  }

  /// What a request is answered with in the end.
  @FunctionalInterface
  private interface Answer<T> {
    T get() throws Throwable;
  }

  private static <T> void settle(CompletableFuture<T> reply, Answer<T> answer) {
    try {
      reply.complete(answer.get());
    } catch (Throwable e) {
      reply.completeExceptionally(refusal(e));
    }
  }

  private static Throwable refusal(Throwable failure) {
    return failure instanceof IOException shortage ? Refusal.shortage(shortage) : failure;
  }
}
