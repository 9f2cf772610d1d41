package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What is made ahead: for whom, how much of it, and that it is never in the way.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class PreparedSegmentsTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final int MIB = 1 << 20;
  private static final int SIZE = 4 * MIB;

  @Test
  void aSizeThatIsAskedForOnceIsNotMadeAhead() throws Refusal {
    try (TestStore store = new TestStore()) {
      store.publish(PRODUCER, "once", new byte[SIZE]);
      store.publish(PRODUCER, "another", new byte[2 * SIZE]);
      assertThat(store.statistics().prepared()).isZero();
    }
  }

  @Test
  void aSizeThatIsAskedForAgainIsAtHand() throws Refusal {
    try (TestStore store = new TestStore()) {
      Statistics before = warm(store, SIZE);

      assertThat(before.preparedBytes()).isEqualTo(SIZE);
      Loan loan = store.create(PRODUCER, "third", SIZE);
      TestStore.close(loan.descriptors());
      Statistics after = store.statistics();
      assertThat(after.prepared()).isZero();
      assertThat(after.unfinishedBytes()).isEqualTo(SIZE);
      assertThat(after.used()).isEqualTo(before.used() + SIZE);
    }
  }

  @Test
  void whatIsAtHandIsAsFreshAndAsSealedAsAnyOther() throws Refusal, IOException {
    try (TestStore store = new TestStore()) {
      warm(store, SIZE);

      Loan loan = store.create(PRODUCER, "third", SIZE);
      Memfd.Stat stat = Memfd.stat(loan.descriptors().getFirst());
      assertThat(stat.bytes()).isEqualTo(SIZE);
      assertThat(stat.allocated()).isEqualTo(SIZE);
      assertThat(Memfd.seals(loan.descriptors().getFirst()).isExactly(DedicatedSegment.LENT))
          .isTrue();
      try (Mapping mapping = Mapping.readOnly(loan.descriptors().getLast(), SIZE)) {
        for (long at = 0; at < SIZE; at += Long.BYTES) {
          assertThat(mapping.segment().get(ValueLayout.JAVA_LONG, at)).isZero();
        }
      }
      TestStore.write(loan, new byte[] {1, 2, 3});
      assertThat(store.seal(PRODUCER, loan).name()).isEqualTo("third");
    }
  }

  @Test
  void aSmallerOneIsCutFromWhatIsAtHandAndChargedAsItIs() throws Refusal, IOException {
    try (TestStore store = new TestStore()) {
      Statistics before = warm(store, 16 * MIB);
      int smaller = 15 * MIB + 5000;

      Loan loan = store.create(PRODUCER, "smaller", smaller);
      long allocated = Memfd.stat(loan.descriptors().getFirst()).allocated();
      assertThat(loan.segmentBytes())
          .isEqualTo(DedicatedSegment.bytesFor(smaller))
          .isEqualTo(Memfd.stat(loan.descriptors().getFirst()).bytes())
          .isEqualTo(allocated);
      TestStore.write(loan, new byte[smaller]);
      store.seal(PRODUCER, loan);
      assertThat(store.statistics().used()).isEqualTo(before.used() + allocated);
      store.delete(PRODUCER, "smaller");
      store.awaitUsed(before.used());
    }
  }

  @Test
  void producersThatComeAtOnceFindOneEach() throws Refusal {
    try (TestStore store = new TestStore()) {
      for (int round = 0; round < 3; round++) {
        List<Loan> loans = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          loans.add(store.create(PRODUCER, "n" + i, SIZE));
        }
        for (Loan loan : loans) {
          TestStore.close(loan.descriptors());
          store.abort(PRODUCER, loan.buffer());
        }
      }
      store.await(figures -> figures.prepared() >= 4);
    }
  }

  @Test
  void whatWasMadeAheadGivesWayToWhatIsAskedFor() throws Refusal {
    long room = 64L * MIB;
    try (TestStore store = new TestStore(StoreConfig.CAPACITY_MIN + room, TestStore.SEGMENTS_MAX)) {
      Statistics before = warm(store, SIZE);
      assertThat(before.prepared()).isEqualTo(1);

      long all = room - (before.used() - StoreConfig.CAPACITY_MIN);
      Loan loan = store.create(PRODUCER, "all", all);
      TestStore.close(loan.descriptors());
      Statistics full = store.statistics();
      assertThat(full.prepared()).isZero();
      assertThat(full.used()).isEqualTo(full.capacity());
    }
  }

  @Test
  void whatIsRefusedInAnyCaseTakesNothingFromTheOthers() throws Refusal {
    try (TestStore store = new TestStore()) {
      Statistics before = warm(store, SIZE);
      for (long nbytes : new long[] {TestStore.CAPACITY, 1L << 40, Long.MAX_VALUE}) {
        Refused.with(
            ErrorCode.STORE_FULL,
            "no room below the capacity: requested=%d used=%d capacity=%d"
                .formatted(nbytes, before.used() + SIZE, TestStore.CAPACITY),
            () -> store.create(PRODUCER, "more than there is", nbytes));
      }
      assertThat(store.statistics().prepared()).isEqualTo(1);
    }
  }

  @Test
  void nothingIsMadeAheadOfMoreThanAQuarterOfWhatIsFree() throws Refusal {
    long room = 40L * MIB;
    try (TestStore store = new TestStore(StoreConfig.CAPACITY_MIN + room, TestStore.SEGMENTS_MAX)) {
      for (int i = 0; i < 4; i++) {
        store.publish(PRODUCER, "same", new byte[12 * MIB]);
        store.delete(PRODUCER, "same");
      }
      store.publish(PRODUCER, "small", new byte[SIZE]);
      store.publish(PRODUCER, "small too", new byte[SIZE]);
      store.await(figures -> figures.prepared() == 1);
      assertThat(store.statistics().preparedBytes()).isEqualTo(SIZE);
    }
  }

  @Test
  void whatIsNotAskedForAnyMoreGoes() throws Refusal {
    try (TestStore store = new TestStore()) {
      warm(store, SIZE);
      store.await(figures -> figures.prepared() == 0);
    }
  }

  @Test
  void sizesOfOneClassDifferByAtMostAnEighth() {
    assertThat(PreparedSegments.classOf(16 * MIB)).isEqualTo(16 * MIB);
    assertThat(PreparedSegments.classOf(16 * MIB + 1)).isEqualTo(18 * MIB);
    assertThat(PreparedSegments.classOf(31 * MIB)).isEqualTo(32 * MIB);
    assertThat(PreparedSegments.classOf(4096)).isEqualTo(4096);
  }

  /// Asks twice for a size, and waits until one is there for the third.
  private static Statistics warm(TestStore store, int nbytes) throws Refusal {
    store.publish(PRODUCER, "first", new byte[nbytes]);
    store.publish(PRODUCER, "second", new byte[nbytes]);
    store.await(figures -> figures.prepared() == 1);
    return store.statistics();
  }
}
