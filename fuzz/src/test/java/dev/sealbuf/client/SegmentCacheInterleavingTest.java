package dev.sealbuf.client;

import dev.sealbuf.interleavings.Interleavings;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.RecordLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/// Whenever a slab is retired while it is on its way here, neither it nor what was found in it
/// stays; and who was given it can read it all the same.
public final class SegmentCacheInterleavingTest {
  private static final TestCatalog CATALOG = catalog();
  private static final Connection CONNECTION = Peer.create().connection();

  @Test
  void noRetiredSlabStays() {
    Interleavings.explore(Retiring.class, 100, FoundBefore.class);
  }

  @Test
  void norWhenTheMachineInterleaves() {
    Interleavings.stress(Retiring.class, 200);
  }

  @Test
  void nothingStaysAfterTheEnd() {
    Interleavings.explore(Ending.class, 100, FoundBefore.class);
  }

  @Test
  void norThenWhenTheMachineInterleaves() {
    Interleavings.stress(Ending.class, 200);
  }

  public static final class Retiring {
    private static final long SLAB = 2;

    private final SegmentCache segments = CATALOG.cache(CONNECTION);
    private volatile boolean retired;

    /// As with a daemon, which answers as long as the slab is not retired.
    @Operation
    public int bring() {
      long since = segments.epoch();
      return retired ? -1 : read(segments, SLAB, since);
    }

    @Operation
    public synchronized void retire() {
      if (!retired) {
        retired = true;
        HeaderLayout.retire(CATALOG.header(), SLAB);
      }
    }

    @Operation
    public void letGoOfRetired() {
      segments.letGoOfRetired();
    }

    @Validate
    public void itIsGoneOrMapped() {
      segments.letGoOfRetired();
      boolean stays = segments.size() > 0 || segments.before().get("name") != null;
      segments.close();
      if (stays && retired) {
        throw new AssertionError("a retired slab stays");
      }
    }
  }

  public static final class Ending {
    private final int mapped = Mapping.live();
    private final SegmentCache segments = CATALOG.cache(CONNECTION);

    @Operation
    public int bring() {
      try {
        read(segments, 2, segments.epoch());
        return 0;
      } catch (DisconnectedException _) {
        return -1;
      }
    }

    @Operation
    public void close() {
      segments.close();
    }

    @Validate
    public void nothingIsMapped() {
      segments.close();
      if (segments.size() > 0 || segments.before().get("name") != null) {
        throw new AssertionError("something stays: segments=" + segments.size());
      }
      if (Mapping.live() > mapped) {
        throw new AssertionError("mapped: now=%d before=%d".formatted(Mapping.live(), mapped));
      }
    }
  }

  /// Opens a buffer in a slab that an answer brings, and closes it.
  private static int read(SegmentCache segments, long number, long since) {
    SharedMapping slab = segments.addSlab(number, CATALOG.slabFd, RecordLayout.SLAB_BYTES, since);
    try {
      segments.before().put(entry(slab));
      return slab.segment().get(ValueLayout.JAVA_BYTE, 0);
    } finally {
      slab.release();
    }
  }

  private static FoundBefore.Entry entry(SharedMapping slab) {
    return new FoundBefore.Entry(
        "name",
        1,
        1,
        slab,
        slab.segment(),
        () -> {
          throw new AssertionError("nobody asked");
        });
  }

  private static TestCatalog catalog() {
    try {
      return new TestCatalog();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
