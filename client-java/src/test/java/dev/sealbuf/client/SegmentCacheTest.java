package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Which segments stay mapped, and until when. No garbage collection is asked for.
@Timeout(30)
@ExtendWith(LeakCheck.class)
class SegmentCacheTest {
  private static final long SLAB_BYTES = RecordLayout.SLAB_BYTES;
  private static final int CACHED_MAX = 1024;
  private static final int TOLD_MAX = 64;

  private final Peer peer = Peer.create();
  private TestCatalog catalog;
  private SegmentCache segments;
  private int mapped;

  @BeforeEach
  void makeCatalog() throws IOException {
    catalog = new TestCatalog();
    segments = catalog.cache(peer.connection());
    mapped = Mapping.live();
  }

  @AfterEach
  void close() {
    segments.close();
    catalog.close();
    peer.close();
  }

  @Test
  void aRetiredSlabThatNobodyHoldsIsUnmappedAtOnce() {
    add(2).release();
    assertThat(Mapping.live()).isEqualTo(mapped + 1);
    retire(2);
    segments.letGoOfRetired();
    assertThat(Mapping.live()).isEqualTo(mapped);
  }

  @Test
  void anOpenBufferKeepsItsSlabUntilTheLastOneIsClosed() {
    SharedMapping first = add(2);
    SharedMapping second = segments.slab(2, Peer.soon());
    assertThat(second).isSameAs(first);
    retire(2);
    segments.letGoOfRetired();
    MemorySegment view = first.segment();
    first.release();
    assertThat(view.get(ValueLayout.JAVA_BYTE, 0)).isZero();
    assertThat(first.hold()).as("nobody new").isFalse();
    second.release();
    assertThat(Mapping.live()).isEqualTo(mapped);
    assertThatThrownBy(() -> view.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void whatIsNotRetiredStays() {
    add(2).release();
    add(3).release();
    retire(3);
    segments.letGoOfRetired();
    segments.letGoOfRetired();
    assertThat(segments.size()).isEqualTo(1);
    assertThat(Mapping.live()).isEqualTo(mapped + 1);
  }

  @Test
  void asManyRetirementsAsCanBeToldAreToldAndBeyondEverythingGoes() {
    add(2).release();
    for (int number = 10; number < 10 + TOLD_MAX; number++) {
      retire(number);
    }
    segments.letGoOfRetired();
    assertThat(segments.size()).isEqualTo(1);
    for (int number = 100; number < 101 + TOLD_MAX; number++) {
      retire(number);
    }
    segments.letGoOfRetired();
    assertThat(segments.size()).isZero();
    assertThat(Mapping.live()).isEqualTo(mapped);
  }

  @Test
  void aSlabThatWasRetiredOnItsWayHereDoesNotStay() {
    long since = segments.epoch();
    retire(2);
    segments.letGoOfRetired();
    SharedMapping late = segments.addSlab(2, catalog.slabFd, SLAB_BYTES, since);
    assertThat(segments.size()).isZero();
    assertThat(late.segment().get(ValueLayout.JAVA_BYTE, 0)).isZero();
    late.release();
    assertThat(Mapping.live()).isEqualTo(mapped);
  }

  @Test
  void norDoesOneThatCameAfterTheEnd() {
    long since = segments.epoch();
    segments.close();
    segments.addSlab(2, catalog.slabFd, SLAB_BYTES, since).release();
    assertThat(Mapping.live()).isEqualTo(mapped - 1);
    assertThatThrownBy(segments::epoch)
        .isInstanceOf(DisconnectedException.class)
        .hasMessage("the session has ended; connect again");
  }

  @Test
  void theOldestSlabsMakeRoom() {
    for (long number = 2; number < 2 + CACHED_MAX; number++) {
      add(number).release();
    }
    assertThat(Mapping.live()).isEqualTo(mapped + CACHED_MAX);
    add(5000).release();
    assertThat(segments.size()).isBetween(CACHED_MAX / 2, CACHED_MAX - 1);
    assertThat(Mapping.live()).isEqualTo(mapped + segments.size());
    long live = Mapping.live();
    add(5000).release();
    assertThat(Mapping.live()).as("the newest stayed").isEqualTo(live);
    add(2).release();
    assertThat(Mapping.live()).as("the oldest went").isEqualTo(live + 1);
  }

  private SharedMapping add(long number) {
    return segments.addSlab(number, catalog.slabFd, SLAB_BYTES, segments.epoch());
  }

  private void retire(long number) {
    HeaderLayout.retire(catalog.header(), number);
  }
}
