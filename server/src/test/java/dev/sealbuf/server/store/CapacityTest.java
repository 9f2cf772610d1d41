package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Memfd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What a store takes, to the byte, and what it refuses before it takes anything.
@ExtendWith(LeakCheck.class)
class CapacityTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;

  @Test
  void everySizeIsChargedAsTheKernelChargesIt() throws Refusal, IOException {
    try (TestStore store = new TestStore()) {
      long before = store.statistics().used();
      for (long nbytes :
          new long[] {0, 1, 4096, 4097, (1 << 20) - 1, 1 << 20, 2 << 20, (5 << 20) + 123}) {
        Loan loan = store.create(PRODUCER, "a", nbytes);
        long allocated = Memfd.stat(loan.descriptors().getFirst()).allocated();
        TestStore.close(loan.descriptors());
        assertThat(loan.segmentBytes()).isEqualTo(allocated).isGreaterThanOrEqualTo(nbytes);

        Statistics unfinished = store.statistics();
        assertThat(unfinished.used()).isEqualTo(before + allocated);
        assertThat(unfinished.unfinishedBytes()).isEqualTo(allocated);
        store.seal(PRODUCER, loan);
        Statistics published = store.statistics();
        assertThat(published.used()).isEqualTo(before + allocated);
        assertThat(published.unfinishedBytes()).isZero();
        assertThat(published.dedicatedBytes()).isEqualTo(allocated);
        assertThat(published.hugePageBytes())
            .as("a seal moves no page; memory may be made ahead meanwhile")
            .isGreaterThanOrEqualTo(unfinished.hugePageBytes());
        store.delete(PRODUCER, "a");
        assertThat(store.statistics().used()).isEqualTo(before);
      }
    }
  }

  @Test
  void sizesThatCannotBeAreRefusedBeforeAPageIsTouched() throws Refusal, IOException {
    try (TestStore store = new TestStore()) {
      Statistics before = store.statistics();
      long sharedBefore = sharedMemory();

      Refused.with(
          ErrorCode.INVALID_REQUEST,
          "a buffer has 0 bytes or more: nbytes=-1",
          () -> store.create(PRODUCER, "a", -1));
      for (long nbytes : new long[] {1L << 40, 1L << 62, Long.MAX_VALUE, TestStore.CAPACITY}) {
        Refused.with(
            ErrorCode.STORE_FULL,
            "no room below the capacity: requested=%d used=%d capacity=%d"
                .formatted(nbytes, before.used(), TestStore.CAPACITY),
            () -> store.create(PRODUCER, "a", nbytes));
      }

      // Others on the machine use shared memory too; a gigabyte would show all the same.
      assertThat(Math.abs(sharedMemory() - sharedBefore)).isLessThan(256L << 20);
      assertThat(store.statistics().used()).isEqualTo(before.used());
      assertThat(store.statistics().unfinished()).isZero();
      store.put(PRODUCER, "a", "the name is free");
    }
  }

  @Test
  void aStoreFillsToItsCapacityAndGoesOnAfterADelete() throws Refusal {
    long room = 16 << 20;
    try (TestStore store = new TestStore(StoreConfig.CAPACITY_MIN + room, TestStore.SEGMENTS_MAX)) {
      store.begin(PRODUCER);
      for (int i = 0; i < 8; i++) {
        store.publish(PRODUCER, "n" + i, new byte[2 << 20]);
      }
      Statistics full = store.statistics();
      assertThat(full.used()).isEqualTo(full.capacity());

      Refused.with(
          ErrorCode.STORE_FULL,
          "no room below the capacity: requested=1 used=%1$d capacity=%1$d"
              .formatted(full.capacity()),
          () -> store.create(PRODUCER, "more", 1));
      store.delete(PRODUCER, "n3");
      store.publish(PRODUCER, "more", new byte[2 << 20]);
      assertThat(store.statistics().used()).isEqualTo(full.used());
    }
  }

  @Test
  void aRequestThatFitsOnlyBeforeRoundingIsRefused() throws Refusal {
    try (TestStore store =
        new TestStore(StoreConfig.CAPACITY_MIN + 4096 + 100, TestStore.SEGMENTS_MAX)) {
      long used = store.statistics().used();
      long bytes = DedicatedSegment.bytesFor(4097);
      Refused.with(
          ErrorCode.STORE_FULL,
          "no room below the capacity: requested=%d used=%d capacity=%d"
              .formatted(bytes, used, StoreConfig.CAPACITY_MIN + 4096 + 100),
          () -> store.create(PRODUCER, "a", 4097));
    }
  }

  @Test
  void aSessionHasABoundedNumberOfUnfinishedBuffers() throws Refusal {
    try (TestStore store = new TestStore(TestStore.CAPACITY, 2 * Limits.UNFINISHED_MAX)) {
      for (int i = 0; i < Limits.UNFINISHED_MAX; i++) {
        TestStore.close(store.create(PRODUCER, "n" + i, 1).descriptors());
      }

      Refused.with(
          ErrorCode.QUOTA_EXCEEDED,
          "too many unfinished buffers of one session: unfinished=1024 max=1024",
          () -> store.create(PRODUCER, "more", 1));
      TestStore.close(store.create(TestStore.READER, "of another session", 1).descriptors());
      store.abort(PRODUCER, 1);
      TestStore.close(store.create(PRODUCER, "more", 1).descriptors());
    }
  }

  @Test
  void aStoreHasABoundedNumberOfSegments() throws Refusal {
    try (TestStore store = new TestStore(TestStore.CAPACITY, 4)) {
      Loan first = store.create(PRODUCER, "first", 1);
      TestStore.close(first.descriptors());
      TestStore.close(store.create(PRODUCER, "second", 1).descriptors());

      Refused.with(
          ErrorCode.STORE_FULL,
          "too many segments: segments=4 max=4",
          () -> store.create(PRODUCER, "third", 1));
      store.seal(PRODUCER, first);
      store.delete(PRODUCER, "first");
      TestStore.close(store.create(PRODUCER, "third", 1).descriptors());
    }
  }

  @Test
  void theNumberOfSegmentsFollowsTheProcessLimit() {
    assertThat(StoreConfig.segmentsMax(1 << 20, Long.MAX_VALUE)).isEqualTo((1 << 20) - 14_000);
    assertThat(StoreConfig.segmentsMax(20_000, Long.MAX_VALUE)).isEqualTo(6000);
    assertThat(StoreConfig.segmentsMax(1024, Long.MAX_VALUE)).isEqualTo(306);
    assertThat(StoreConfig.segmentsMax(Long.MAX_VALUE, Long.MAX_VALUE))
        .isEqualTo(Integer.MAX_VALUE);
  }

  @Test
  void theNumberOfSegmentsFollowsTheHeap() {
    assertThat(StoreConfig.segmentsMax(1 << 20, 64 << 20)).isEqualTo(32_768);
  }

  private static long sharedMemory() throws IOException {
    return Files.readAllLines(Path.of("/proc/meminfo")).stream()
        .filter(line -> line.startsWith("Shmem:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .findFirst()
        .orElseThrow();
  }
}
