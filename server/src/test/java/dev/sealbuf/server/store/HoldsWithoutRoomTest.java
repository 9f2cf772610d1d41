package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.store.NamespacePolicy.Eviction;
import dev.sealbuf.testing.LeakCheck;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Holds take places of the store, and not all of them.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class HoldsWithoutRoomTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer READER = TestStore.READER;
  private static final int NBYTES = 2 << 20;

  private final ClockAhead clock = new ClockAhead();

  private static long hold(TestStore store, Peer peer, Publication made) throws Refusal {
    return store.on(each -> each.hold(peer, made.name(), made.buffer()));
  }

  @Test
  void oneUidKeepsThreeQuartersOfHalfTheSegments() throws Refusal {
    try (TestStore store = new TestStore(TestStore.CAPACITY, 16)) {
      Publication[] made = new Publication[7];
      for (int i = 0; i < made.length; i++) {
        made[i] = store.publish(PRODUCER, "n" + i, new byte[] {1});
      }
      for (int i = 0; i < 5; i++) {
        hold(store, PRODUCER, made[i]);
      }
      Refused.with(
          ErrorCode.TRY_AGAIN,
          "too many segments kept by holds: count=6 max=8 of_uid=6 max_of_uid=6",
          () -> hold(store, PRODUCER, made[5]));
      hold(store, PRODUCER, made[4]);
    }
  }

  @Test
  void aHoldThatFindsNoPlaceIsRefusedAndLeavesNothing() throws Refusal {
    // The catalog, the slab, and four buffers.
    try (TestStore store = new TestStore(TestStore.CAPACITY, 8)) {
      Publication made = store.publish(PRODUCER, "a", new byte[] {1});
      for (int i = 0; i < 4; i++) {
        store.publish(PRODUCER, "n" + i, new byte[] {1});
      }
      Refused.with(
          ErrorCode.STORE_FULL,
          "too many segments: segments=8 max=8",
          () -> hold(store, PRODUCER, made));
      store.delete(PRODUCER, "n0");
      store.await(_ -> isHeld(store, made));
    }
  }

  private static boolean isHeld(TestStore store, Publication made) {
    try {
      return hold(store, PRODUCER, made) > 0;
    } catch (Refusal _) {
      return false;
    }
  }

  @Test
  void heldMemoryIsInTheWayOfOthersUntilItsTimeHasPassed() throws Refusal {
    long bytes = DedicatedSegment.bytesFor(NBYTES);
    long capacity = StoreConfig.CAPACITY_MIN + bytes;
    try (TestStore store = new TestStore(capacity, 100, NamespacePolicy.DEFAULT, clock)) {
      hold(store, PRODUCER, store.publish(PRODUCER, "a", new byte[NBYTES]));
      store.delete(PRODUCER, "a");
      Refused.with(
          ErrorCode.STORE_FULL,
          "no room below the capacity: requested=%d used=%d capacity=%d"
              .formatted(bytes, capacity, capacity),
          () -> store.create(READER, "b", NBYTES));
      clock.pass(Duration.ofSeconds(Limits.HOLD_SECONDS));
      store.await(figures -> figures.held() == 0);
      store.publish(READER, "b", new byte[NBYTES]);
    }
  }

  @Test
  void whatIsHeldIsNotEvictedUntilItsTimeHasPassed() throws Refusal {
    NamespacePolicy policy = new NamespacePolicy(Eviction.OLDEST, OptionalLong.empty());
    long capacity = StoreConfig.CAPACITY_MIN + 2 * DedicatedSegment.bytesFor(NBYTES);
    try (TestStore store = new TestStore(capacity, 100, policy, clock)) {
      Publication oldest = store.publish(PRODUCER, "oldest", new byte[NBYTES]);
      long descriptors = TestStore.openDescriptors();
      hold(store, PRODUCER, oldest);
      store.publish(PRODUCER, "second", new byte[NBYTES]);

      store.publish(PRODUCER, "third", new byte[NBYTES]);
      isGone(store, "second");

      clock.pass(Duration.ofSeconds(Limits.HOLD_SECONDS));
      // That of the third has come.
      store.await(_ -> TestStore.openDescriptors() == descriptors + 1);
      store.publish(PRODUCER, "fourth", new byte[NBYTES]);
      isGone(store, "oldest");
    }
  }

  private static void isGone(TestStore store, String name) {
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no buffer has this name: name=" + name,
        () -> store.delete(PRODUCER, name));
  }
}
