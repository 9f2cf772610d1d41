package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Segments that come along with a publication: when, whose they are, and where they go.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class SparesTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer OTHER = new Peer(9, TestStore.PRODUCER.uid());
  private static final int SIZE = 4 << 20;

  private TestStore store;
  private long used;

  @BeforeEach
  void open() throws Refusal {
    store = new TestStore();
    used = store.statistics().used();
  }

  @AfterEach
  void close() {
    store.close();
  }

  private void warm() throws Refusal {
    for (int i = 0; i < 3; i++) {
      store.publish(PRODUCER, "warm", new byte[SIZE]);
      store.delete(PRODUCER, "warm");
    }
    store.await(figures -> figures.prepared() > 0 && figures.used() == used);
  }

  private Optional<Loan> lend(Peer peer, long nbytes) throws Refusal {
    return store.on(each -> each.lendSpare(peer, nbytes));
  }

  private Loan spare() throws Refusal {
    warm();
    return lend(PRODUCER, SIZE).orElseThrow();
  }

  private Publication seal(Peer peer, Loan spare, String name, long nbytes) throws Refusal {
    return store.later(
        each -> each.sealSpare(peer, spare.buffer(), Optional.of(name), nbytes, Terms.PLAIN));
  }

  @Test
  void thereIsNoneWhereNothingIsAtHand() throws Refusal {
    assertThat(lend(PRODUCER, SIZE)).isEmpty();
    warm();
    assertThat(lend(PRODUCER, 2 * SIZE)).isEmpty();
  }

  @Test
  void aSpareIsPublishedUnderItsNumberAndIsThenLikeAnyOther() throws Refusal {
    Loan spare = spare();
    assertThat(spare.name()).isEmpty();
    TestStore.write(spare, new byte[] {1, 2, 3});

    Publication made = seal(PRODUCER, spare, "a", SIZE - 1);
    assertThat(made.buffer()).isEqualTo(spare.buffer());
    assertThat(made.name()).isEqualTo("a");
    assertThat(store.statistics().used()).isEqualTo(used + SIZE);
    store.delete(PRODUCER, "a");
    store.awaitUsed(used);
  }

  @Test
  void aSpareIsNotChargedAsUsedButAsPrepared() throws Refusal {
    Loan spare = spare();
    TestStore.close(spare.descriptors());
    Statistics lent = store.statistics();
    assertThat(lent.used()).isEqualTo(used);
    assertThat(lent.unfinished()).isZero();
    assertThat(lent.prepared()).isPositive();
  }

  @Test
  void aSessionHasOneAtMost() throws Refusal {
    Loan spare = spare();
    TestStore.close(spare.descriptors());
    store.await(figures -> figures.prepared() > 1);
    assertThat(lend(PRODUCER, SIZE)).isEmpty();
    Optional<Loan> others = lend(OTHER, SIZE);
    assertThat(others).isPresent();
    TestStore.close(others.get().descriptors());
  }

  @Test
  void aSpareIsSealedByItsSessionOnly() throws Refusal {
    Loan spare = spare();
    TestStore.close(spare.descriptors());
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no spare of this session has this id: buffer=" + spare.buffer(),
        () -> seal(OTHER, spare, "a", SIZE));
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no spare of this session has this id: buffer=77",
        () -> {
          Loan unknown = new Loan("", 77, SIZE, 1, SIZE, spare.descriptors());
          seal(PRODUCER, unknown, "a", SIZE);
        });
  }

  @Test
  void whatIsRefusedAtOnceLeavesTheSpare() throws Refusal {
    Loan spare = spare();
    TestStore.close(spare.descriptors());
    store.put(PRODUCER, "taken", "x");
    Refused.with(
        ErrorCode.ALREADY_EXISTS,
        "a buffer has this name already: name=taken",
        () -> seal(PRODUCER, spare, "taken", SIZE));
    Refused.with(
        ErrorCode.INVALID_REQUEST,
        "a buffer lies in its segment: nbytes=%d segment_bytes=%d".formatted(SIZE + 1, SIZE),
        () -> seal(PRODUCER, spare, "free", SIZE + 1));
    assertThat(seal(PRODUCER, spare, "free", SIZE).name()).isEqualTo("free");
  }

  @Test
  void aRefusedSealLeavesABufferThatCanBeSealedOrAborted() throws Refusal, IOException {
    Loan spare = spare();
    try (Mapping _ = Mapping.readWrite(spare.descriptors().getFirst(), SIZE)) {
      Refused.with(
          ErrorCode.STILL_MAPPED,
          "a seal needs every writable mapping and forked copy gone: buffer=%d waited_ms=100"
              .formatted(spare.buffer()),
          () -> seal(PRODUCER, spare, "a", SIZE));
    }
    TestStore.close(spare.descriptors());
    assertThat(store.statistics().unfinished()).isEqualTo(1);
    OptionalLong all = OptionalLong.empty();
    assertThat(store.later(each -> each.seal(PRODUCER, spare.buffer(), all)).name()).isEqualTo("a");
  }

  @Test
  void whatIsAbortedOrLeftGoesBackToTheKernel() throws Refusal {
    Loan aborted = spare();
    TestStore.close(aborted.descriptors());
    store.abort(PRODUCER, aborted.buffer());
    Loan left = spare();
    TestStore.close(left.descriptors());
    store.endSession(PRODUCER);
    store.awaitUsed(used);
    assertThat(store.statistics().unfinished()).isZero();
  }
}
