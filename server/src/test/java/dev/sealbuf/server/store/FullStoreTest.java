package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.testing.LeakCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A store in which no slab has room, and what compaction makes of it.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class FullStoreTest {
  private static final int NBYTES = 16_000;
  private static final int SLABS = 12;
  private static final long CAPACITY = StoreConfig.CAPACITY_MIN + (SLABS - 1) * Slab.BYTES;

  private static List<String> fill(TestStore store) throws Refusal {
    List<String> names = new ArrayList<>();
    try {
      while (true) {
        store.put(TestStore.PRODUCER, "n" + names.size(), content(names.size()));
        names.add("n" + names.size());
      }
    } catch (Refusal e) {
      assertThat(e).hasMessageStartingWith("no room below the capacity: ");
      return names;
    }
  }

  private static byte[] content(int number) {
    byte[] content = new byte[NBYTES];
    content[number % NBYTES] = 1;
    return content;
  }

  /// Every second, in one turn.
  private static void deleteHalf(TestStore store, List<String> names) throws Refusal {
    store.on(each -> {
      for (int i = 0; i < names.size(); i += 2) {
        each.delete(TestStore.PRODUCER, names.get(i));
      }
      return each;
    });
  }

  @Test
  void halfDeadSlabsAreCompactedThoughThereIsNoRoomForOneMore() throws Refusal {
    try (TestStore store = new TestStore(CAPACITY, TestStore.SEGMENTS_MAX);
        CatalogReader reader = new CatalogReader(store)) {
      List<String> names = fill(store);
      assertThat(store.statistics().used()).isEqualTo(CAPACITY);
      deleteHalf(store, names);

      store.await(figures -> {
        assertThat(figures.used()).isLessThanOrEqualTo(CAPACITY + Slab.BYTES);
        return figures.slabs() <= SLABS / 2 + 3;
      });

      assertThat(store.statistics().used()).isLessThan(CAPACITY);
      for (int i = 1; i < names.size(); i += 2) {
        assertThat(reader.get(names.get(i))).hasValue(content(i));
      }
      store.put(TestStore.PRODUCER, "more", "there is room");
    }
  }

  @Test
  void whoWaitsForRoomIsToldWhenCompactionHasMadeIt() throws Exception {
    try (TestStore store = new TestStore(CAPACITY, TestStore.SEGMENTS_MAX)) {
      List<String> names = fill(store);
      CompletableFuture<Long> small =
          store.on(each -> each.awaitRoom(TestStore.READER, 250_000, 50_000)).toCompletableFuture();
      CompletableFuture<Long> large =
          store
              .on(each -> each.awaitRoom(TestStore.READER, 2 * Slab.BYTES, 50_000))
              .toCompletableFuture();
      deleteHalf(store, names);
      assertThat(small.get(20, TimeUnit.SECONDS)).isEqualTo(250_000);
      assertThat(large.get(20, TimeUnit.SECONDS)).isEqualTo(2 * Slab.BYTES);
    }
  }

  /// Names stay as good as they are while new ones take what compaction frees.
  @Test
  void whoPutsOnAndOnDoesNotKeepItFromMakingProgress() throws Refusal {
    try (TestStore store = new TestStore(CAPACITY, TestStore.SEGMENTS_MAX);
        CatalogReader reader = new CatalogReader(store)) {
      List<String> names = fill(store);
      deleteHalf(store, names);
      int count = names.size() / 4;
      for (int put = 0; put < count; ) {
        try {
          store.put(TestStore.PRODUCER, "later" + put, content(put));
          put++;
        } catch (Refusal e) {
          assertThat(e).hasMessageStartingWith("no room below the capacity: ");
        }
        assertThat(store.statistics().used()).isLessThanOrEqualTo(CAPACITY + Slab.BYTES);
      }
      store.await(figures -> figures.used() <= CAPACITY);
      for (int i = 1; i < names.size(); i += 2) {
        assertThat(reader.get(names.get(i))).hasValue(content(i));
      }
    }
  }

  @Test
  void aSlabThatWasLentTakesNothingButCopiesUntilTheCapacityIsRespected() throws Exception {
    try (Parts parts = new Parts(CAPACITY)) {
      Slabs slabs = parts.memory.slabs();
      Account.Charge rest = parts.account.charge(Account.Kind.UNFINISHED, parts.account.room());
      Slab first = slabs.open().orElseThrow();
      assertThat(slabs.withRoomForCopy(Slab.BYTES)).isSameAs(first);
      parts.put("a", 100);

      Slab lent = slabs.withRoomForCopy(Slab.BYTES);

      assertThat(lent).isNotSameAs(first);
      long used = CAPACITY + Slab.BYTES;
      assertThat(parts.account.used()).isEqualTo(used);
      assertThat(slabs.isLent()).isTrue();
      assertThat(slabs.hasRoom(100)).isFalse();
      String full = "no room below the capacity: requested=%d used=%d capacity=%d";
      Refused.with(
          ErrorCode.STORE_FULL, full.formatted(256, used, CAPACITY), () -> parts.put("b", 100));
      Refused.with(
          ErrorCode.STORE_FULL,
          full.formatted(300, used, CAPACITY),
          () -> slabs.requireRoom(List.of(100L, 200L)));
      assertThat(slabs.withRoomForCopy(100)).isSameAs(lent);
      Refused.with(
          ErrorCode.STORE_FULL,
          full.formatted(Slab.BYTES, used, CAPACITY),
          () -> slabs.withRoomForCopy(Slab.BYTES + 1));

      rest.close();
      assertThat(slabs.isLent()).isFalse();
      parts.put("b", 100);
      assertThat(lent.live()).isEqualTo(1);
    }
  }

  @Test
  void aSlabThatAReaderHoldsIsPaidBackWhenHeLetsGo() throws Exception {
    try (Parts parts = new Parts(StoreConfig.CAPACITY_MIN)) {
      Slabs slabs = parts.memory.slabs();
      Publication old = parts.put("a", 100);
      try (Fd _ = parts.slabOf(old)) {
        slabs.withRoomForCopy(Slab.BYTES);
        parts.delete("a");
        assertThat(parts.account.used()).isEqualTo(StoreConfig.CAPACITY_MIN + Slab.BYTES);
        assertThat(slabs.isLent()).isTrue();
      }
      parts.loop.await(() -> parts.account.used() == StoreConfig.CAPACITY_MIN);
      assertThat(slabs.isLent()).isFalse();
    }
  }
}
