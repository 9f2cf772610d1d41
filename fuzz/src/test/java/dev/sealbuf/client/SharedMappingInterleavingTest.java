package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.interleavings.Interleavings;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.Seals;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Test;

/// Who holds a segment reads it, whoever lets go of it meanwhile; after that nobody holds it, and
/// the last one out has unmapped it.
public final class SharedMappingInterleavingTest {
  private static final long BYTES = 4096;
  private static final Fd FILE = sealedPage();

  @Test
  void whoHoldsASegmentReadsItAndTheLastOneOutUnmaps() {
    Interleavings.explore(Counted.class, 500);
    Interleavings.stress(Counted.class, 500);
  }

  /// The negative control: the count must not be taken after the look at the mark.
  @Test
  void aCountThatIsTakenTooLateIsFound() {
    assertThatThrownBy(() -> Interleavings.explore(CountedTooLate.class, 500))
        .hasMessageContaining("threw IllegalStateException");
  }

  public static final class Counted {
    private final SharedMapping mapping = SharedMapping.map(FILE, BYTES);

    public Counted() {
      mapping.release();
    }

    @Operation
    public int read() {
      if (!mapping.hold()) {
        return -1;
      }
      try {
        return mapping.segment().get(ValueLayout.JAVA_BYTE, 0);
      } finally {
        mapping.release();
      }
    }

    @Operation
    public void letGo() {
      mapping.letGo();
    }

    @Validate
    public void itIsMappedUntilItIsLetGoOf() {
      if (mapping.isMapped() == mapping.isLeaving()) {
        throw new AssertionError(mapping.toString());
      }
      mapping.letGo();
    }
  }

  public static final class CountedTooLate {
    private final SharedMapping mapping = SharedMapping.map(FILE, BYTES);
    private final AtomicInteger state = new AtomicInteger();

    public CountedTooLate() {
      mapping.release();
    }

    @Operation
    public int read() {
      if (state.get() < 0) {
        return -1;
      }
      state.incrementAndGet();
      try {
        return mapping.segment().get(ValueLayout.JAVA_BYTE, 0);
      } finally {
        if (state.decrementAndGet() == Integer.MIN_VALUE) {
          mapping.letGo();
        }
      }
    }

    @Operation
    public void letGo() {
      if (state.getAndUpdate(now -> now | Integer.MIN_VALUE) == 0) {
        mapping.letGo();
      }
    }
  }

  private static Fd sealedPage() {
    try {
      Fd fd = Memfd.create("interleavings");
      Memfd.resize(fd, BYTES);
      Memfd.addSeals(fd, Seals.of(Seals.FUTURE_WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL));
      return fd;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
