package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A producer may go at any point: nothing of it is published afterwards, and nothing is left. That
/// nothing is left open is looked at after each test.
@ExtendWith(LeakCheck.class)
class SessionEndTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final long NBYTES = 5 << 20;
  private static final String GONE = "the buffer was aborted meanwhile: buffer=";

  private TestStore store;
  private CatalogReader reader;
  private long emptyUsed;

  @BeforeEach
  void open() throws Refusal {
    store = new TestStore();
    reader = new CatalogReader(store);
    emptyUsed = store.statistics().used();
  }

  @AfterEach
  void close() {
    reader.close();
    store.close();
  }

  @Test
  void whileItsSegmentIsPrepared() throws Refusal {
    Refused.with(
        ErrorCode.NOT_FOUND,
        GONE + 1,
        () ->
            store.later(each -> {
              CompletionStage<Loan> loan =
                  each.create(PRODUCER, Optional.of("a"), NBYTES, Terms.PLAIN);
              each.endSession(PRODUCER.session());
              return loan;
            }));
    assertNothingIsLeft();
  }

  @Test
  void whileItWrites() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    try (Mapping _ = Mapping.readWrite(loan.descriptors().getFirst(), loan.segmentBytes())) {
      store.endSession(PRODUCER);
      assertNobodyHasTheName();
      assertThat(store.statistics().heldBytes()).isEqualTo(loan.segmentBytes());
      TestStore.close(loan.descriptors());
    }
    assertNothingIsLeft();
  }

  @Test
  void whileItsSealIsInFlight() throws Refusal {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    TestStore.close(loan.descriptors());

    CompletableFuture<Publication> seal = sealAndEnd(loan);

    assertThat(seal.handle((_, failure) -> failure).join())
        .hasRootCauseMessage(GONE + loan.buffer());
    assertNothingIsLeft();
  }

  @Test
  void whileItsSealIsRefusedAgainAndAgain() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    try (Mapping _ = Mapping.readWrite(loan.descriptors().getFirst(), loan.segmentBytes())) {
      TestStore.close(loan.descriptors());
      CompletableFuture<Publication> seal =
          store
              .on(each -> each.seal(PRODUCER, loan.buffer(), OptionalLong.empty()))
              .toCompletableFuture();
      store.endSession(PRODUCER);
      assertThat(seal.handle((_, failure) -> failure).join())
          .hasRootCauseMessage(GONE + loan.buffer());
    }
    assertNothingIsLeft();
  }

  @Test
  void whileItsSealsWaitBehindOneThatIsStuck() throws Refusal, IOException {
    Loan stuck = store.create(new Peer(50, PRODUCER.uid()), "stuck", NBYTES);
    List<Loan> waiting = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      waiting.add(store.create(PRODUCER, "waiting-" + i, 1));
      TestStore.close(waiting.getLast().descriptors());
    }
    try (Mapping _ = Mapping.readWrite(stuck.descriptors().getFirst(), stuck.segmentBytes())) {
      TestStore.close(stuck.descriptors());
      List<CompletableFuture<Publication>> seals = store.on(each -> sealAll(each, stuck, waiting));
      store.endSession(PRODUCER);
      CompletableFuture<?>[] ended =
          seals.stream()
              .map(seal -> seal.exceptionally(_ -> null))
              .toArray(CompletableFuture[]::new);
      CompletableFuture.allOf(ended).join();
      assertThat(seals.subList(1, seals.size()))
          .allMatch(CompletableFuture::isCompletedExceptionally);
    }
    assertThat(store.statistics().unfinished()).isEqualTo(1);
    store.endSession(new Peer(50, PRODUCER.uid()));
    assertNothingIsLeft();
  }

  @Test
  void afterItPublished() throws Refusal {
    store.publish(PRODUCER, "a", new byte[] {1, 2, 3});
    store.put(PRODUCER, "b", "small");

    store.endSession(PRODUCER);

    assertThat(reader.get("a")).hasValue(new byte[] {1, 2, 3});
    assertThat(reader.get("b")).isPresent();
  }

  @Test
  void andOthersGoOn() throws Refusal {
    Loan other = store.create(TestStore.READER, "other", NBYTES);
    TestStore.close(other.descriptors());
    Loan mine = store.create(PRODUCER, "mine", NBYTES);
    TestStore.close(mine.descriptors());

    store.endSession(PRODUCER);

    store.seal(TestStore.READER, other);
    assertThat(reader.find("other")).isPresent();
    assertThat(reader.find("mine")).isEmpty();
  }

  @Test
  void anAbortEndsASealThatIsInFlight() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    try (Mapping _ = Mapping.readWrite(loan.descriptors().getFirst(), loan.segmentBytes())) {
      TestStore.close(loan.descriptors());
      CompletableFuture<Publication> seal =
          store
              .on(each -> each.seal(PRODUCER, loan.buffer(), OptionalLong.empty()))
              .toCompletableFuture();
      store.abort(PRODUCER, loan.buffer());
      assertThat(seal.handle((_, failure) -> failure).join())
          .hasRootCauseMessage(GONE + loan.buffer());
    }
    assertNothingIsLeft();
  }

  @Test
  void aNameIsFreeAtOnceEvenIfItsSegmentIsStillPrepared() throws Refusal {
    Loan loan =
        store.later(each -> {
          var _ = each.create(PRODUCER, Optional.of("a"), NBYTES, Terms.PLAIN);
          each.endSession(PRODUCER.session());
          return each.create(TestStore.READER, Optional.of("a"), NBYTES, Terms.PLAIN);
        });
    TestStore.close(loan.descriptors());

    Refused.with(
        ErrorCode.ALREADY_EXISTS,
        "a buffer is being written under this name: name=a",
        () -> store.put(PRODUCER, "a", "x"));
    store.seal(TestStore.READER, loan);
  }

  @Test
  void aStoreThatClosesFreesWhatIsInFlight() throws Refusal, IOException {
    Loan stuck = store.create(PRODUCER, "stuck", NBYTES);
    try (Mapping _ = Mapping.readWrite(stuck.descriptors().getFirst(), stuck.segmentBytes())) {
      TestStore.close(stuck.descriptors());
      List<CompletionStage<Loan>> loans =
          store.on(each -> {
            var _ = each.seal(PRODUCER, stuck.buffer(), OptionalLong.empty());
            return IntStream.range(0, 20)
                .mapToObj(i -> each.create(PRODUCER, Optional.of("n" + i), NBYTES, Terms.PLAIN))
                .toList();
          });
      store.close();
      for (CompletionStage<Loan> loan : loans) {
        assertThat(loan.toCompletableFuture()).isDone();
        var _ = loan.thenAccept(lent -> TestStore.close(lent.descriptors()));
      }
    }
  }

  private CompletableFuture<Publication> sealAndEnd(Loan loan) throws Refusal {
    return store.on(each -> {
      CompletionStage<Publication> seal = each.seal(PRODUCER, loan.buffer(), OptionalLong.empty());
      each.endSession(PRODUCER.session());
      return seal.toCompletableFuture();
    });
  }

  private static List<CompletableFuture<Publication>> sealAll(
      Store store, Loan stuck, List<Loan> waiting) {
    List<CompletableFuture<Publication>> seals = new ArrayList<>();
    seals.add(
        store
            .seal(new Peer(50, PRODUCER.uid()), stuck.buffer(), OptionalLong.empty())
            .toCompletableFuture());
    for (Loan loan : waiting) {
      seals.add(store.seal(PRODUCER, loan.buffer(), OptionalLong.empty()).toCompletableFuture());
    }
    return seals;
  }

  private void assertNothingIsLeft() throws Refusal {
    store.awaitUsed(emptyUsed);
    assertNobodyHasTheName();
  }

  private void assertNobodyHasTheName() throws Refusal {
    assertThat(store.statistics().unfinished()).isZero();
    assertThat(reader.find("a")).isEmpty();
    store.put(PRODUCER, "a", "the name is free");
    store.delete(PRODUCER, "a");
  }
}
