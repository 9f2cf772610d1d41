package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A store that is full to the last byte, and those who wait for room in it.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class RoomTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer OTHER = TestStore.READER;

  /// Another session of the producer's uid.
  private static final Peer SECOND = new Peer(3, PRODUCER.uid());

  private static final int MIB = 1 << 20;
  private static final long LONG = 50_000;

  private TestStore store;

  @BeforeEach
  void fill() throws Refusal {
    store = new TestStore(StoreConfig.CAPACITY_MIN + 8 * MIB, TestStore.SEGMENTS_MAX);
    for (int i = 0; i < 4; i++) {
      store.publish(PRODUCER, "n" + i, new byte[2 * MIB]);
    }
  }

  @AfterEach
  void close() {
    store.close();
  }

  private CompletableFuture<Long> await(Peer peer, long nbytes, long millis) throws Refusal {
    return store.on(each -> each.awaitRoom(peer, nbytes, millis)).toCompletableFuture();
  }

  @Test
  void whereThereIsRoomNobodyWaits() throws Refusal {
    store.delete(PRODUCER, "n0");
    assertThat(await(PRODUCER, 2 * MIB, LONG)).isCompletedWithValue(2L * MIB);
  }

  @Test
  void aDeletionLetsTheFirstInLineGoOn() throws Exception {
    CompletableFuture<Long> first = await(PRODUCER, 2 * MIB, LONG);
    CompletableFuture<Long> second = await(OTHER, 2 * MIB, LONG);
    assertThat(store.statistics().waiting()).isEqualTo(2);
    store.delete(PRODUCER, "n0");
    assertThat(first.get(20, TimeUnit.SECONDS)).isEqualTo(2 * MIB);
    store.publish(PRODUCER, "more", new byte[2 * MIB]);
    assertThat(second).isNotDone();
    store.delete(PRODUCER, "n1");
    assertThat(second.get(20, TimeUnit.SECONDS)).isEqualTo(2 * MIB);
    assertThat(store.statistics().waiting()).isZero();
  }

  @Test
  void aLargeOneInFrontIsNotOvertakenBySmallOnesOfItsUid() throws Exception {
    CompletableFuture<Long> large = await(PRODUCER, 6 * MIB, LONG);
    CompletableFuture<Long> small = await(SECOND, 2 * MIB, LONG);
    store.delete(PRODUCER, "n0");
    store.delete(PRODUCER, "n1");
    store.statistics();
    assertThat(large).isNotDone();
    assertThat(small).isNotDone();
    store.delete(PRODUCER, "n2");
    assertThat(large.get(20, TimeUnit.SECONDS)).isEqualTo(6 * MIB);
    store.delete(PRODUCER, "n3");
    assertThat(small.get(20, TimeUnit.SECONDS)).isEqualTo(2 * MIB);
  }

  @Test
  void aWaitEnds() throws Refusal {
    Refused.with(
        ErrorCode.TIMEOUT,
        "the wait for room ended without it: nbytes=2097152 waited_ms=20",
        () -> store.later(each -> each.awaitRoom(PRODUCER, 2 * MIB, 20)));
    assertThat(store.statistics().waiting()).isZero();
  }

  @Test
  void whoCannotOrWillNotWaitIsRefusedAndBlocksNobody() throws Refusal {
    long capacity = StoreConfig.CAPACITY_MIN + 8 * MIB;
    String message = "no room now, or ever: requested=%d room=0 capacity=" + capacity;
    Refused.with(
        ErrorCode.STORE_FULL,
        message.formatted(capacity + 1),
        () -> store.later(each -> each.awaitRoom(PRODUCER, capacity + 1, LONG)));
    Refused.with(
        ErrorCode.STORE_FULL,
        message.formatted(2 * MIB),
        () -> store.later(each -> each.awaitRoom(PRODUCER, 2 * MIB, 0)));
    assertThat(store.statistics().waiting()).isZero();
  }

  @Test
  void aSessionThatEndsLeavesTheLineToTheNext() throws Exception {
    CompletableFuture<Long> large = await(PRODUCER, 8 * MIB, LONG);
    CompletableFuture<Long> small = await(SECOND, 2 * MIB, LONG);
    store.delete(PRODUCER, "n0");
    store.endSession(PRODUCER);
    assertThat(small.get(20, TimeUnit.SECONDS)).isEqualTo(2 * MIB);
    assertThat(large).isNotDone();
  }
}
