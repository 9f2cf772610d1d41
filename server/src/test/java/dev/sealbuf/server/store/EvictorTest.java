package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What goes to make room, in which order, and what stays.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class EvictorTest {
  private static final int NBYTES = 250_000;
  private static final int PER_SLAB = 8;
  private static final int SLABS = 4;
  private static final long LARGE = 2 << 20;
  private static final long CAPACITY = StoreConfig.CAPACITY_MIN + (SLABS - 1) * Slab.BYTES;

  private final Parts parts = new Parts(CAPACITY);
  private final Evictor evictor = evictor(true);
  private final List<Publication> made = new ArrayList<>();

  @AfterEach
  void close() {
    parts.close();
  }

  private Evictor evictor(boolean enabled) {
    Evictor made = parts.evictor();
    made.enable(enabled);
    return made;
  }

  private void fill() throws Refusal {
    for (int i = 0; i < SLABS * PER_SLAB; i++) {
      made.add(parts.put("n" + i, NBYTES));
    }
  }

  /// What is left of so many small buffers.
  private List<String> left() {
    return parts.names(names(0, SLABS * PER_SLAB));
  }

  private static List<String> names(int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> "n" + i).toList();
  }

  @Test
  void theSlabThatWasPublishedFirstGoesAsAWhole() throws Refusal {
    fill();
    evictor.makeRoomInSlabs(NBYTES);
    assertThat(left()).isEqualTo(names(PER_SLAB, SLABS * PER_SLAB));
    assertThat(evictor.evicted()).isEqualTo(PER_SLAB);
    parts.put("more", NBYTES);
  }

  @Test
  void whereThereIsRoomNothingGoes() throws Refusal {
    fill();
    evictor.makeRoomInSlabs(100);
    parts.delete("n0");
    evictor.makeRoomInSlabs(100);
    assertThat(evictor.evicted()).isZero();
  }

  @Test
  void whoseNamespaceDoesNotWantItLosesNothing() throws Refusal {
    fill();
    evictor(false).makeRoomInSlabs(NBYTES);
    assertThat(left()).hasSize(SLABS * PER_SLAB);
  }

  @Test
  void aSlabThatIsHeldIsPassedOverAndTheNextGoes() throws Refusal, IOException {
    fill();
    try (Fd _ = parts.slabOf(made.getFirst())) {
      evictor.makeRoomInSlabs(NBYTES);
      assertThat(left()).hasSize(3 * PER_SLAB).contains("n0").doesNotContain("n" + PER_SLAB);
    }
  }

  @Test
  void theOpenSlabStays() throws Refusal, IOException {
    fill();
    List<Fd> readers = new ArrayList<>();
    for (int slab = 0; slab < SLABS - 1; slab++) {
      readers.add(parts.slabOf(made.get(slab * PER_SLAB)));
    }
    evictor.makeRoomInSlabs(NBYTES);
    readers.forEach(Fd::close);
    assertThat(evictor.evicted()).isZero();
  }

  @Test
  void theDedicatedSegmentThatWasPublishedFirstGoesUnlessItIsHeld() throws Refusal, IOException {
    try (Fd _ = parts.publish("held", LARGE)) {
      parts.publish("first", LARGE).close();
      parts.publish("second", LARGE).close();
      evictor.makeRoomForSegment(LARGE);
      assertThat(parts.names(List.of("held", "first", "second"))).containsExactly("held", "second");
    }
  }

  /// Its record lies there, and somebody looks at that: the memory comes back all the same.
  @Test
  void aDedicatedSegmentGoesThoughTheSlabOfItsRecordIsHeld() throws Refusal, IOException {
    parts.publish("large", LARGE).close();
    for (int i = 0; i < (SLABS - 1) * PER_SLAB; i++) {
      made.add(parts.put("n" + i, NBYTES));
    }
    try (Fd _ = parts.slabOf(made.getFirst())) {
      evictor.makeRoomForSegment(LARGE);
      assertThat(parts.exists("large")).isFalse();
      assertThat(parts.exists("n0")).isTrue();
    }
  }

  @Test
  void whoIsRefusedForWhatItAsksHasNothingEvicted() throws Refusal {
    NamespacePolicy oldest =
        new NamespacePolicy(NamespacePolicy.Eviction.OLDEST, OptionalLong.empty());
    try (TestStore store = new TestStore(CAPACITY, TestStore.SEGMENTS_MAX, oldest)) {
      for (int i = 0; i < SLABS * PER_SLAB; i++) {
        store.put(TestStore.PRODUCER, "n" + i, new byte[NBYTES]);
      }
      Refused.with(
          ErrorCode.ALREADY_EXISTS,
          "a buffer has this name already: name=n0",
          () -> store.put(TestStore.PRODUCER, "n0", new byte[NBYTES]));
      Refused.with(
          ErrorCode.ALREADY_EXISTS,
          "a buffer has this name already: name=n0",
          () -> store.create(TestStore.PRODUCER, "n0", LARGE));
      Refused.with(
          ErrorCode.NOT_FOUND,
          "no unfinished buffer has this id: buffer=999",
          () -> store.later(each -> each.seal(TestStore.PRODUCER, 999, OptionalLong.empty())));
      Refused.with(
          ErrorCode.NOT_FOUND,
          "no reservation of this session has this id: buffer=999",
          () ->
              store.later(each ->
                  each.create(
                      TestStore.PRODUCER,
                      Optional.empty(),
                      LARGE,
                      new Terms(false, OptionalLong.empty(), OptionalLong.of(999)))));
      assertThat(store.statistics().evicted()).isZero();
      TestStore.close(store.create(TestStore.PRODUCER, "new", LARGE).descriptors());
      assertThat(store.statistics().evicted()).isPositive();
    }
  }
}
