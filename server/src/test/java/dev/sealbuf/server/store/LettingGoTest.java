package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.server.segment.Workers;
import dev.sealbuf.server.store.Account.Kind;
import dev.sealbuf.server.watch.Watch;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Many segments that are let go of in one turn: their names go at once, they go in slices.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class LettingGoTest {
  private static final int SLICE = HeldSegments.LET_GO_AT_ONCE;
  private static final int COUNT = 3 * SLICE;
  private static final long BYTES = 4096;

  private final ManualLoop loop = new ManualLoop();
  private final Account account = new Account(COUNT * BYTES, COUNT, Headroom.unlimited());
  private final Workers workers = new Workers(loop);
  private Watch watch;
  private HeldSegments held;

  @BeforeEach
  void start() throws IOException {
    watch = Watch.start(loop);
    held =
        new HeldSegments(
            account,
            new Quota(Quota.Limits.NONE),
            workers,
            watch,
            new Gauges(true, true),
            loop.clock());
  }

  @AfterEach
  void stop() {
    held.close();
    workers.close();
    watch.close();
  }

  private void letGo(int count) throws Refusal, IOException {
    List<Account.Charge> charges = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      charges.add(account.charge(Kind.DEDICATED, BYTES));
    }
    for (int i = 0; i < count; i++) {
      held.letGo(DedicatedSegment.prepare(i + 1, BYTES), charges.get(i), "");
    }
  }

  private static long key(long number) {
    return SegmentKey.of(SegmentKind.DEDICATED, number);
  }

  @Test
  void oneTurnLetsGoOfSomeAndTheOthersStayChargedUntilTheirs() throws Exception {
    letGo(COUNT);
    assertThat(account.used()).isEqualTo(COUNT * BYTES);
    loop.turn();
    assertThat(account.used()).isEqualTo(2 * SLICE * BYTES);
    assertThat(held.isGivingBack()).isTrue();
    assertThat(held.contains(key(COUNT))).isTrue();

    loop.await(() -> account.used() <= SLICE * BYTES);
    loop.await(() -> account.used() == 0 && !held.isGivingBack());
    loop.await(() -> !held.contains(key(COUNT)));
  }

  @Test
  void aFewOneByOneDoNotWait() throws Exception {
    for (int i = 0; i < COUNT; i++) {
      held.letGo(DedicatedSegment.prepare(i + 1, BYTES), account.charge(Kind.DEDICATED, BYTES), "");
      loop.turn();
      assertThat(account.used()).isZero();
    }
  }

  @Test
  void whoFindsNoRoomTakesItFromThoseThatWait() throws Exception {
    letGo(COUNT);
    loop.turn();
    Account.Charge large = account.charge(Kind.UNFINISHED, SLICE * BYTES + 1);
    assertThat(account.used()).isEqualTo((2 * SLICE - 1) * BYTES + SLICE * BYTES + 1);
    large.close();
  }

  @Test
  void whoAsksForMoreThanOneTurnGivesBackIsRefusedWhileMemoryIsOnItsWay() throws Exception {
    letGo(COUNT);
    loop.turn();
    Refused.with(
        ErrorCode.STORE_FULL,
        "no room below the capacity: requested=%d used=%d capacity=%1$d"
            .formatted(COUNT * BYTES, SLICE * BYTES),
        () -> account.charge(Kind.UNFINISHED, COUNT * BYTES));
    assertThat(held.isGivingBack()).isTrue();
  }

  @Test
  void whatSomebodyHoldsIsHeldWhenItsTurnHasCome() throws Exception {
    List<Account.Charge> charges = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      charges.add(account.charge(Kind.DEDICATED, BYTES));
    }
    DedicatedSegment last = DedicatedSegment.prepare(COUNT, BYTES);
    try (Fd _ = last.freshReadOnly()) {
      for (int i = 0; i < COUNT - 1; i++) {
        held.letGo(DedicatedSegment.prepare(i + 1, BYTES), charges.get(i), "");
      }
      held.letGo(last, charges.getLast(), "last");
      assertThat(account.segments(Kind.HELD)).isZero();
      loop.await(() -> account.segments(Kind.HELD) == 1 && account.used() == BYTES);
    }
    loop.await(() -> account.used() == 0);
  }

  /// That every descriptor is closed is looked at after the test.
  @Test
  void theEndLetsGoOfThoseThatWait() throws Exception {
    letGo(COUNT);
    held.close();
    assertThat(account.used()).isZero();
  }

  @Test
  void aSessionThatEndsFreesAThousandNamesAtOnceAndItsMemorySoon() throws Refusal {
    int count = 1000;
    try (TestStore store =
        new TestStore(StoreConfig.CAPACITY_MIN + count * BYTES, TestStore.SEGMENTS_MAX + 2)) {
      long empty = store.statistics().used();
      TestStore.close(store.on(each -> each.beginSession(TestStore.READER, "")).descriptors());
      for (int i = 0; i < count; i++) {
        TestStore.close(store.create(TestStore.PRODUCER, "n" + i, 1).descriptors());
      }
      Loan whole =
          store.later(each -> {
            each.endSession(TestStore.PRODUCER.session());
            assertThat(each.statistics(0).unfinished()).isGreaterThan(0);
            CompletionStage<Loan> loan =
                each.create(TestStore.READER, Optional.of("n999"), 2 << 20, Terms.PLAIN);
            return loan;
          });
      TestStore.close(whole.descriptors());
      store.abort(TestStore.READER, whole.buffer());
      store.awaitUsed(empty);
    }
  }
}
