package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.PageSizes;
import dev.sealbuf.memory.Seals;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// When a seal is refused, and what the producer can do about it.
@ExtendWith(LeakCheck.class)
class SealTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final long NBYTES = 3 << 20;
  private static final String STILL_MAPPED =
      "a seal needs every writable mapping and forked copy gone: buffer=1 waited_ms=100";
  private static final int KEEP_SIZE_PUNCH_HOLE = 3;

  private TestStore store;
  private CatalogReader reader;

  @BeforeEach
  void open() throws Refusal {
    store = new TestStore();
    reader = new CatalogReader(store);
  }

  @AfterEach
  void close() {
    reader.close();
    store.close();
  }

  @Test
  void isRefusedWhileAWritableMappingLivesAndSucceedsAfterwards() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    try (Mapping mapping = Mapping.readWrite(loan.descriptors().getFirst(), loan.segmentBytes())) {
      TestStore.close(loan.descriptors());
      Refused.with(ErrorCode.STILL_MAPPED, STILL_MAPPED, () -> store.seal(PRODUCER, loan));
      assertThat(reader.find("a")).isEmpty();
      assertThat(store.statistics().unfinishedBytes()).isEqualTo(loan.segmentBytes());
      mapping.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 42);
    }

    store.seal(PRODUCER, loan);

    assertThat(reader.get("a").orElseThrow()[0]).isEqualTo((byte) 42);
  }

  @Test
  void isRefusedWhileAReadOnlyMappingOfTheWritableDescriptionLives() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    try (Mapping _ = Mapping.readOnly(loan.descriptors().getFirst(), loan.segmentBytes())) {
      TestStore.close(loan.descriptors());
      Refused.with(ErrorCode.STILL_MAPPED, STILL_MAPPED, () -> store.seal(PRODUCER, loan));
    }

    store.seal(PRODUCER, loan);
  }

  @Test
  void isNotHeldUpByMappingsOfTheReadOnlyDescription() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    try (Mapping _ = Mapping.readOnly(loan.descriptors().getLast(), loan.segmentBytes())) {
      TestStore.close(loan.descriptors());
      store.seal(PRODUCER, loan);
    }
  }

  @Test
  void waitsForAMappingThatGoesAwayMeanwhile() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    Mapping mapping = Mapping.readWrite(loan.descriptors().getFirst(), loan.segmentBytes());
    TestStore.close(loan.descriptors());

    CompletableFuture<Publication> sealing = sealLater(PRODUCER, loan);
    mapping.close();

    assertThat(sealing.join().name()).isEqualTo("a");
  }

  @Test
  void leavesAnOpenWritableDescriptionThatCanWriteNothing() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    Fd writable = loan.descriptors().getFirst();

    store.seal(PRODUCER, loan);

    long hole = Libc.call("fallocate", writable.number(), KEEP_SIZE_PUNCH_HOLE, 0, 4096);
    assertThat(hole).isEqualTo(-Errno.EPERM);
    assertThat(Libc.call("ftruncate", writable.number(), 0)).isEqualTo(-Errno.EPERM);
    TestStore.close(loan.descriptors());
  }

  @Test
  void fillsTheHolesOfASegmentBeforeItPublishes() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    Fd readOnly = loan.descriptors().getLast();
    int fd = loan.descriptors().getFirst().number();
    assertThat(Libc.call("fallocate", fd, KEEP_SIZE_PUNCH_HOLE, 0, PageSizes.base())).isZero();
    assertThat(Memfd.stat(readOnly).allocated()).isLessThan(loan.segmentBytes());

    store.seal(PRODUCER, loan);

    assertThat(Memfd.stat(readOnly).allocated()).isEqualTo(loan.segmentBytes());
    TestStore.close(loan.descriptors());
  }

  @Test
  void neverPublishesASegmentWithSealsOfItsProducer() throws Refusal, IOException {
    Loan early = store.create(PRODUCER, "early", NBYTES);
    Memfd.addSeals(early.descriptors().getFirst(), Seals.FUTURE_WRITE);
    Loan closed = store.create(PRODUCER, "closed", NBYTES);
    Memfd.addSeals(closed.descriptors().getFirst(), Seals.SEAL);
    TestStore.close(early.descriptors());
    TestStore.close(closed.descriptors());

    assertSpoiled(early, "WRITE|FUTURE_WRITE|SHRINK|GROW|SEAL");
    assertSpoiled(closed, "SHRINK|GROW|SEAL");
  }

  @Test
  void ofOneUidAreDoneOneAtATimeAndHoldUpNobodyElse() throws Refusal, IOException {
    Loan stuck = store.create(PRODUCER, "stuck", NBYTES);
    Loan behind = store.create(PRODUCER, "behind", NBYTES);
    Loan other = store.create(TestStore.READER, "other", NBYTES);
    List<String> order = new ArrayList<>();
    try (Mapping _ = Mapping.readWrite(stuck.descriptors().getFirst(), stuck.segmentBytes())) {
      List.of(stuck, behind, other).forEach(loan -> TestStore.close(loan.descriptors()));
      CompletableFuture<Publication> first = sealLater(PRODUCER, stuck);
      CompletableFuture<Publication> second = sealLater(PRODUCER, behind);
      CompletableFuture<Publication> third = sealLater(TestStore.READER, other);
      CompletableFuture.allOf(
              first.whenComplete((_, _) -> order.add("stuck")).exceptionally(_ -> null),
              second.whenComplete((_, _) -> order.add("behind")),
              third.whenComplete((_, _) -> order.add("other")))
          .join();
    }

    assertThat(order).containsExactly("other", "stuck", "behind");
  }

  @Test
  void isAskedForOnceAtATime() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "a", NBYTES);
    try (Mapping _ = Mapping.readWrite(loan.descriptors().getFirst(), loan.segmentBytes())) {
      TestStore.close(loan.descriptors());
      CompletableFuture<Publication> first = sealLater(PRODUCER, loan);
      Refused.with(
          ErrorCode.INVALID_REQUEST,
          "a buffer is sealed after create and one seal at a time: buffer=1 state=sealing",
          () -> store.seal(PRODUCER, loan));
      assertThat(first.handle((_, failure) -> failure).join()).hasRootCauseMessage(STILL_MAPPED);
    }
    store.seal(PRODUCER, loan);
  }

  private void assertSpoiled(Loan loan, String found) throws Refusal {
    String rule =
        "a segment carries the daemon's seals only: expected=WRITE|SHRINK|GROW|SEAL found=";
    assertThatThrownBy(() -> store.seal(PRODUCER, loan))
        .message()
        .satisfies(message -> assertThat(message.replace("|EXEC", "")).isEqualTo(rule + found));
    store.abort(PRODUCER, loan.buffer());
  }

  private CompletableFuture<Publication> sealLater(Peer peer, Loan loan) throws Refusal {
    return store.on(
        each -> each.seal(peer, loan.buffer(), OptionalLong.empty()).toCompletableFuture());
  }
}
