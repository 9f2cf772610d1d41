package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Who waits for a name gets it, in the right order, once.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class RendezvousTest {
  private static final OptionalLong NONE = OptionalLong.empty();
  private static final OptionalLong LONG = OptionalLong.of(60_000);
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer READER = TestStore.READER;

  private TestStore store;

  @BeforeEach
  void open() {
    store = new TestStore();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void anOpenWaitsForAPut() throws Refusal {
    CompletableFuture<Location> open = open(READER, "a", NONE, LONG);
    assertThat(open).isNotDone();

    Publication made = store.put(PRODUCER, "a", "bytes");

    assertThat(open.join().record()).isEqualTo(made.record());
    TestStore.close(open.join().descriptors());
  }

  @Test
  void anOpenWaitsForASeal() throws Refusal {
    CompletableFuture<Location> open = open(READER, "a", NONE, LONG);

    store.publish(PRODUCER, "a", new byte[] {1, 2, 3});

    assertThat(open.join().segment()).isEqualTo(1);
    assertThat(open.join().descriptors()).hasSize(2);
    TestStore.close(open.join().descriptors());
  }

  @Test
  void whoWaitsIsToldBeforeTheProducer() throws Refusal {
    CompletableFuture<Location> ofPut = open(READER, "put", NONE, LONG);
    CompletableFuture<Location> ofSeal = open(READER, "seal", NONE, LONG);
    Loan loan = store.create(PRODUCER, "seal", 1);
    TestStore.close(loan.descriptors());

    boolean putTold =
        store.on(each -> {
          each.put(PRODUCER, Optional.of("put"), ByteBuffer.allocate(1), Terms.PLAIN);
          return ofPut.isDone();
        });
    boolean sealTold =
        store.later(
            each -> each.seal(PRODUCER, loan.buffer(), NONE).thenApply(_ -> ofSeal.isDone()));

    assertThat(List.of(putTold, sealTold)).containsOnly(true);
    TestStore.close(ofPut.join().descriptors());
    TestStore.close(ofSeal.join().descriptors());
  }

  /// An answer lets its session go on, with a request that waited behind it.
  @Test
  void whatAnAnswerSetsOffAnswersNobodyTwice() throws Refusal {
    Terms replacing = new Terms(true, NONE, NONE);
    AtomicInteger answers = new AtomicInteger();
    CompletableFuture<Location> next = open(READER, "b", NONE, LONG);
    store.on(each ->
        each.openBuffer(READER, "a", NONE, NONE, LONG)
            .thenAccept(location -> {
              answers.incrementAndGet();
              TestStore.close(location.descriptors());
              for (String name : List.of("a", "b")) {
                put(each, name, replacing);
              }
            }));

    store.put(PRODUCER, "a", "bytes");

    TestStore.close(next.join().descriptors());
    assertThat(answers).hasValue(1);
  }

  private static void put(Store store, String name, Terms terms) {
    try {
      store.put(PRODUCER, Optional.of(name), ByteBuffer.allocate(1), terms);
    } catch (Refusal e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void anOpenThatDoesNotWaitIsRefusedAtOnce() {
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no buffer has this name: name=a",
        () -> store.later(each -> each.openBuffer(READER, "a", NONE, NONE, NONE)));
  }

  @Test
  void anOpenWaitsForANewerVersion() throws Refusal {
    Publication old = store.put(PRODUCER, "a", "old");
    CompletableFuture<Location> newer = open(READER, "a", OptionalLong.of(old.version()), LONG);
    assertThat(newer).isNotDone();
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no newer buffer has this name: name=a",
        () ->
            store.later(
                each -> each.openBuffer(READER, "a", NONE, OptionalLong.of(old.version()), NONE)));

    store.delete(PRODUCER, "a");
    Publication made = store.put(PRODUCER, "a", "new");

    assertThat(newer.join().record()).isEqualTo(made.record());
    TestStore.close(newer.join().descriptors());
  }

  @Test
  void whoWantsAVersionThatIsFarAwayHoldsNobodyUp() throws Refusal {
    CompletableFuture<Location> far = open(READER, "a", OptionalLong.of(1_000_000), LONG);
    CompletableFuture<Location> near = open(READER, "a", NONE, LONG);

    store.put(PRODUCER, "a", "bytes");

    TestStore.close(near.join().descriptors());
    assertThat(far).isNotDone();
  }

  @Test
  void aWaitEndsAtItsDeadline() {
    Refused.with(
        ErrorCode.TIMEOUT,
        "the wait for a name ended without it: name=a waited_ms=20",
        () -> store.later(each -> each.openBuffer(READER, "a", NONE, NONE, OptionalLong.of(20))));
    Refused.with(
        ErrorCode.TIMEOUT,
        "the wait for a name ended without it: name=a waited_ms=20",
        () -> store.later(each -> each.take(READER, "a", OptionalLong.of(20))));
    assertThat(waiting()).isZero();
  }

  @Test
  void ofAllWhoTakeExactlyOneGetsTheBuffer() throws Refusal {
    List<CompletableFuture<Taking>> takers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      takers.add(take(PRODUCER, "a", LONG));
    }

    store.put(PRODUCER, "a", "bytes");

    assertThat(takers.getFirst().join().name()).isEqualTo("a");
    assertThat(takers.subList(1, 10)).noneMatch(CompletableFuture::isDone);
    Refused.with(
        ErrorCode.NOT_FOUND, "no buffer has this name: name=a", () -> store.delete(PRODUCER, "a"));

    store.put(PRODUCER, "a", "more bytes");

    takers.get(1).join();
    assertThat(takers.subList(2, 10)).noneMatch(CompletableFuture::isDone);
  }

  @Test
  void openersAreAnsweredBeforeTheFirstTaker() throws Refusal {
    CompletableFuture<Taking> taker = take(PRODUCER, "a", LONG);
    CompletableFuture<Location> opener = open(READER, "a", NONE, LONG);

    store.put(PRODUCER, "a", "bytes");

    TestStore.close(opener.join().descriptors());
    assertThat(taker.join().name()).isEqualTo("a");
  }

  @Test
  void whoTakesAtOnceDoesNotOvertakeThoseWhoWait() throws Refusal {
    CompletableFuture<Taking> first = take(PRODUCER, "a", LONG);

    CompletableFuture<Taking> late =
        store
            .on(each -> {
              var _ = each.put(PRODUCER, Optional.of("a"), ByteBuffer.allocate(1), Terms.PLAIN);
              return committed(each.take(PRODUCER, "a", LONG));
            })
            .toCompletableFuture();

    first.join();
    assertThat(late).isNotDone();
  }

  @Test
  void aTakeThatIsNotCommittedLeavesTheBufferToTheNext() throws Refusal {
    CompletableFuture<Taking> lost =
        store.on(each -> each.take(PRODUCER, "a", LONG)).toCompletableFuture();
    CompletableFuture<Taking> next = take(PRODUCER, "a", LONG);

    store.put(PRODUCER, "a", "bytes");

    TestStore.close(lost.join().location().descriptors());
    assertThat(next.join().buffer()).isEqualTo(lost.join().buffer());
  }

  @Test
  void onlyWhoMayDeleteMayTake() throws Refusal {
    CompletableFuture<Taking> stranger = take(READER, "a", LONG);
    CompletableFuture<Taking> owner = take(PRODUCER, "a", LONG);

    store.put(PRODUCER, "a", "bytes");

    assertThat(stranger.handle((_, failure) -> failure).join())
        .cause()
        .hasMessage(
            "a buffer is deleted by the uid that published it: name=a owner=20002 uid=20003");
    owner.join();
  }

  @Test
  void aSessionThatEndsWaitsForNothing() throws Refusal {
    CompletableFuture<Taking> gone = take(READER, "a", LONG);
    CompletableFuture<Location> open = open(READER, "b", NONE, LONG);
    assertThat(waiting()).isEqualTo(2);

    store.endSession(READER);

    assertThat(waiting()).isZero();
    store.put(READER, "a", "bytes");
    store.put(READER, "b", "bytes");
    store.on(each -> each);
    assertThat(gone).isNotDone();
    assertThat(open).isNotDone();
    store.delete(READER, "a");
  }

  @Test
  void aSessionMayParkSoManyRequestsAndNoMore() throws Refusal {
    for (int i = 0; i < Limits.PARKED_MAX; i++) {
      var _ = open(READER, "n" + i, NONE, LONG);
    }
    assertThat(waiting()).isEqualTo(Limits.PARKED_MAX);
    Refused.with(
        ErrorCode.QUOTA_EXCEEDED,
        "too many parked requests of one session: parked=256 max=256",
        () -> open(READER, "more", NONE, LONG));
  }

  private CompletableFuture<Location> open(
      Peer peer, String name, OptionalLong newer, OptionalLong wait) throws Refusal {
    return now(store.on(each -> each.openBuffer(peer, name, NONE, newer, wait)));
  }

  /// Takes as a session does.
  private CompletableFuture<Taking> take(Peer peer, String name, OptionalLong wait) throws Refusal {
    return now(store.on(each -> committed(each.take(peer, name, wait))));
  }

  private static CompletionStage<Taking> committed(CompletionStage<Taking> take) {
    return take.thenApply(taking -> {
      TestStore.close(taking.location().descriptors());
      taking.commit().run();
      return taking;
    });
  }

  /// A refusal at once is thrown.
  private <T> CompletableFuture<T> now(CompletionStage<T> stage) throws Refusal {
    CompletableFuture<T> future = stage.toCompletableFuture();
    if (future.isCompletedExceptionally()) {
      store.later(_ -> future);
    }
    return future;
  }

  private long waiting() {
    try {
      return store.on(Store::waiting);
    } catch (Refusal e) {
      throw new AssertionError(e);
    }
  }
}
