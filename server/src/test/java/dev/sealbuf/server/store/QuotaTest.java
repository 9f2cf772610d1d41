package dev.sealbuf.server.store;

import static dev.sealbuf.server.store.TestStore.PRODUCER;
import static dev.sealbuf.server.store.TestStore.READER;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.access.Right;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What a uid is charged with, to the byte, and what it is refused.
@Timeout(60)
@ExtendWith(LeakCheck.class)
class QuotaTest {
  private static final int LARGE = 1 << 20;
  private static final long SEGMENT = DedicatedSegment.bytesFor(LARGE);

  /// Of a record with a short name, padding included.
  private static final long RECORD = 128;

  private static final long BYTES = 3 * SEGMENT;
  private static final long BUFFERS = 4;

  private static final Terms REPLACING =
      new Terms(true, OptionalLong.empty(), OptionalLong.empty());

  private final TestStore store = new TestStore(new Quota.Limits(BYTES, BUFFERS));

  @AfterEach
  void close() {
    store.close();
  }

  private void assertUse(Peer peer, long bytes, long buffers) throws Refusal {
    Statistics now = store.statistics(peer);
    assertThat(now.ownBytes()).as("bytes of %s", peer).isEqualTo(bytes);
    assertThat(now.ownBuffers()).as("buffers of %s", peer).isEqualTo(buffers);
  }

  private void publishLarge(String name) throws Refusal {
    store.publish(PRODUCER, name, new byte[LARGE]);
  }

  private void awaitDedicated(long segments) throws Refusal {
    store.await(now -> now.used() == now.catalogBytes() + now.slabBytes() + segments * SEGMENT);
  }

  private void assertBorneByBothUntilItIsClosed(Location held) throws Refusal {
    try {
      assertUse(PRODUCER, SEGMENT / 2, 0);
      assertUse(READER, SEGMENT / 2, 0);
    } finally {
      TestStore.close(held.descriptors());
    }
    store.await(now -> now.held() == 0);
    assertUse(PRODUCER, 0, 0);
    assertUse(READER, 0, 0);
  }

  @Test
  void aSmallBufferCountsWithItsRecordUntilItsNameGoes() throws Refusal {
    store.put(PRODUCER, "a", "123");
    assertUse(PRODUCER, RECORD + 64, 1);
    store.put(PRODUCER, "b", "x".repeat(65));
    assertUse(PRODUCER, 2 * RECORD + 64 + 128, 2);
    assertUse(READER, 0, 0);
    store.delete(PRODUCER, "a");
    assertUse(PRODUCER, RECORD + 128, 1);
    store.delete(PRODUCER, "b");
    assertUse(PRODUCER, 0, 0);
  }

  @Test
  void aSegmentCountsFromCreateOnAndUntilItIsGone() throws Refusal {
    Loan loan = store.create(PRODUCER, "a", LARGE);
    assertUse(PRODUCER, SEGMENT, 0);
    TestStore.close(loan.descriptors());
    store.seal(PRODUCER, loan);
    assertUse(PRODUCER, SEGMENT + RECORD, 1);
    store.delete(PRODUCER, "a");
    awaitDedicated(0);
    assertUse(PRODUCER, 0, 0);
  }

  @Test
  void whatIsAbortedCountsNoMore() throws Refusal {
    Loan loan = store.create(PRODUCER, "a", LARGE);
    TestStore.close(loan.descriptors());
    store.abort(PRODUCER, loan.buffer());
    awaitDedicated(0);
    assertUse(PRODUCER, 0, 0);
  }

  @Tag("shows-27")
  @Test
  void pastItsBytesAUidIsRefusedAndOthersAreNot() throws Refusal {
    for (String name : new String[] {"a", "b"}) {
      publishLarge(name);
    }
    Refused.with(
        ErrorCode.QUOTA_EXCEEDED,
        "too many bytes of one uid: uid=%d requested=%d used=%d max=%d"
            .formatted(PRODUCER.uid(), SEGMENT, 2 * (SEGMENT + RECORD), BYTES),
        () -> store.create(PRODUCER, "c", LARGE));
    store.publish(READER, "c", new byte[LARGE]);
    assertUse(READER, SEGMENT + RECORD, 1);

    store.delete(PRODUCER, "a");
    awaitDedicated(2);
    publishLarge("d");
    assertUse(PRODUCER, 2 * (SEGMENT + RECORD), 2);
  }

  @Test
  void pastItsBuffersAUidIsRefusedAndMayReplace() throws Refusal {
    for (int i = 0; i < BUFFERS; i++) {
      store.put(PRODUCER, "n" + i, "x");
    }
    Refused.with(
        ErrorCode.QUOTA_EXCEEDED,
        "too many buffers of one uid: uid=%d requested=1 used=4 max=4".formatted(PRODUCER.uid()),
        () -> store.put(PRODUCER, "one more", "x"));
    Refused.with(
        ErrorCode.QUOTA_EXCEEDED,
        "too many buffers of one uid: uid=%d requested=1 used=4 max=4".formatted(PRODUCER.uid()),
        () -> store.create(PRODUCER, "one more", LARGE));
    store.on(
        each -> each.put(PRODUCER, Optional.of("n0"), ByteBuffer.wrap(new byte[] {1}), REPLACING));
    assertUse(PRODUCER, BUFFERS * (RECORD + 64), BUFFERS);
    store.put(READER, "another's", "x");
    store.delete(PRODUCER, "n1");
    store.put(PRODUCER, "one more", "x");
  }

  @Test
  void whatIsDeletedAndHeldIsBorneByAllWhoWereHandedIt() throws Refusal {
    store.begin(PRODUCER);
    publishLarge("a");
    store.begin(READER);
    Location held = store.openBuffer(READER, "a", OptionalLong.empty());
    store.delete(PRODUCER, "a");
    store.await(now -> now.held() == 1);
    assertBorneByBothUntilItIsClosed(held);
  }

  @Test
  void whatIsDeletedIsLetGoOfForWhoAsksInTheSameTurn() throws Refusal {
    publishLarge("a");
    publishLarge("b");
    Loan loan =
        store.later(each -> {
          each.delete(PRODUCER, "a");
          return each.create(PRODUCER, Optional.of("c"), LARGE, Terms.PLAIN);
        });
    TestStore.close(loan.descriptors());
    assertUse(PRODUCER, 2 * SEGMENT + RECORD, 1);
  }

  @Test
  void pastItsBuffersAUidMayReplaceALargeOne() throws Refusal {
    for (int i = 0; i < BUFFERS; i++) {
      store.put(PRODUCER, "n" + i, "x");
    }
    Loan loan = store.later(each -> each.create(PRODUCER, Optional.of("n0"), LARGE, REPLACING));
    TestStore.close(loan.descriptors());
    store.seal(PRODUCER, loan);
    assertUse(PRODUCER, SEGMENT + RECORD + (BUFFERS - 1) * (RECORD + 64), BUFFERS);
  }

  @Test
  void whatReplacesAnothersBufferIsOneMore() throws Refusal {
    Peer administrator = new Peer(3, READER.uid(), 0, Right.ADMINISTER);
    for (int i = 0; i < BUFFERS; i++) {
      store.put(administrator, "n" + i, "x");
    }
    store.put(PRODUCER, "another's", "x");
    Refused.with(
        ErrorCode.QUOTA_EXCEEDED,
        "too many buffers of one uid: uid=%d requested=1 used=4 max=4".formatted(READER.uid()),
        () ->
            store.on(each ->
                each.put(
                    administrator, Optional.of("another's"), ByteBuffer.allocate(1), REPLACING)));
  }

  @Test
  void whoIsHandedItAfterItWasDeletedBearsItsPart() throws Refusal {
    store.begin(PRODUCER);
    Publication made = store.publish(PRODUCER, "a", new byte[LARGE]);
    long hold = store.on(each -> each.hold(PRODUCER, made.name(), made.buffer()));
    store.delete(PRODUCER, "a");
    store.await(now -> now.held() == 1);
    assertUse(PRODUCER, SEGMENT, 0);
    store.begin(READER);
    Location held =
        store.on(each -> {
          Opening opening = each.openHeld(READER, "a", made.buffer(), hold, OptionalLong.empty());
          opening.commit().run();
          return opening.location();
        });
    assertBorneByBothUntilItIsClosed(held);
  }

  @Test
  void nothingIsEvictedForWhoMayNotHaveIt() throws Refusal {
    Quota.Limits limits = new Quota.Limits(SEGMENT + SEGMENT / 2, 1);
    try (TestStore small = new TestStore(4 * SEGMENT + (7 << 20), limits, Eviction.OLDEST)) {
      for (int i = 0; i < 4; i++) {
        small.publish(new Peer(10 + i, 30_000 + i), "others/" + i, new byte[LARGE]);
      }
      for (long nbytes : new long[] {2 * SEGMENT, SEGMENT + LARGE}) {
        Refused.with(ErrorCode.QUOTA_EXCEEDED, () -> small.create(PRODUCER, "mine", nbytes));
        Refused.with(
            ErrorCode.QUOTA_EXCEEDED,
            () -> small.later(each -> each.awaitRoom(PRODUCER, nbytes, 0)));
      }
      assertThat(small.statistics().evicted()).isZero();
    }
  }

  @Test
  void aSpareIsASmallPartOfWhatAUidMayStillHave() throws Refusal {
    for (int i = 0; i < 3; i++) { // then one is made ahead
      publishLarge("a");
      store.delete(PRODUCER, "a");
    }
    publishLarge("a");
    store.await(now -> now.prepared() > 0);
    Optional<Loan> spare = store.on(each -> each.lendSpare(PRODUCER, LARGE));
    assertThat(spare).isEmpty();
    assertUse(PRODUCER, SEGMENT + RECORD, 1);
  }
}
