package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What a store remembers of what it found, and until when.
@ExtendWith(LeakCheck.class)
class FoundBeforeTest {
  private static final int MANY = 100_000;

  private final Peer peer = Peer.create();
  private TestCatalog catalog;
  private SegmentCache segments;
  private SharedMapping slab;

  @BeforeEach
  void map() throws IOException {
    catalog = new TestCatalog();
    segments = catalog.cache(peer.connection());
    slab = segments.addSlab(2, catalog.slabFd, RecordLayout.SLAB_BYTES, segments.epoch());
  }

  @AfterEach
  void close() {
    slab.release();
    segments.close();
    catalog.close();
    peer.close();
  }

  @Test
  void anEqualNameIsEnough() {
    FoundBefore.Entry entry = put("a/b");
    assertThat(get(String.join("/", "a", "b"))).isSameAs(entry);
    assertThat(get("a/c")).isNull();
  }

  @Test
  void theLaterOneOfANameStands() {
    put("a");
    assertThat(put("a")).isSameAs(get("a"));
  }

  @Test
  void moreNamesThanThereIsRoomForDriveEachOtherOutAndAreNeverMistaken() {
    Map<String, FoundBefore.Entry> all = new HashMap<>();
    for (int i = 0; i < MANY; i++) {
      all.put("name-" + i, put("name-" + i));
    }
    long kept = all.keySet().stream().filter(name -> get(name) != null).count();
    assertThat(kept).isBetween(1L << 14, 1L << 15);
    all.forEach((name, entry) -> assertThat(get(name)).isIn(entry, null));
  }

  @Test
  void whatLiesInASlabThatWasLetGoOfIsForgottenThoughABufferIsOpen() {
    put("a");
    segments.close();
    assertThat(get("a")).isNull();
  }

  @Test
  void anEntryThatComesAfterItsSlabWasLetGoOfIsNotKept() {
    segments.close();
    put("a");
    assertThat(get("a")).isNull();
  }

  private FoundBefore.Entry put(String name) {
    FoundBefore.Entry entry =
        new FoundBefore.Entry(
            name,
            TestCatalog.hash(name),
            TestCatalog.word(name, 2, 0),
            slab,
            slab.segment(),
            () -> {
              throw new AssertionError("nobody asked");
            });
    segments.before().put(entry);
    return entry;
  }

  private FoundBefore.@Nullable Entry get(String name) {
    return segments.before().get(name);
  }
}
