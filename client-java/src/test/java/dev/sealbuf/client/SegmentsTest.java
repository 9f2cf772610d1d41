package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.Seals;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// What the daemon sends is looked at before it is mapped.
@ExtendWith(LeakCheck.class)
class SegmentsTest {
  private static final long BYTES = 8192;
  private static final Seals PUBLISHED =
      Seals.of(Seals.WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);

  @Test
  void aSegmentWithItsSealsAndSizeIsMapped() throws IOException {
    try (Fd fd = sealed(PUBLISHED);
        Mapping mapping = Segments.mapPublished(fd, BYTES)) {
      assertThat(mapping.segment().byteSize()).isEqualTo(BYTES);
    }
  }

  @Test
  void aSegmentThatCouldStillChangeIsRefused() throws IOException {
    try (Fd fd = sealed(Seals.of(Seals.SHRINK, Seals.GROW))) {
      assertThatThrownBy(() -> Segments.mapPublished(fd, BYTES))
          .isInstanceOf(ProtocolException.class)
          .hasMessageMatching(
              "segment without its seals: seals=SHRINK\\|GROW(\\|EXEC)?"
                  + " required=WRITE\\|SHRINK\\|GROW\\|SEAL; report it; connect again");
      assertThatThrownBy(() -> Segments.mapShared(fd, BYTES)).isInstanceOf(ProtocolException.class);
    }
  }

  @Test
  void aSegmentThatCouldShrinkUnderItsWriterIsRefused() throws IOException {
    try (Fd fd = sealed(Seals.GROW)) {
      assertThatThrownBy(() -> Segments.mapLent(fd, BYTES)).isInstanceOf(ProtocolException.class);
    }
  }

  @Test
  void aSegmentOfAnotherSizeThanStatedIsRefused() throws IOException {
    try (Fd fd = sealed(PUBLISHED)) {
      for (long stated : new long[] {0, BYTES - 1, BYTES + 1, Long.MAX_VALUE}) {
        assertThatThrownBy(() -> Segments.mapPublished(fd, stated))
            .isInstanceOf(ProtocolException.class)
            .hasMessage(
                "segment of another size than stated: bytes=8192 stated=%d;".formatted(stated)
                    + " report it; connect again");
      }
    }
  }

  @Tag("shows-32")
  @Test
  void aProcessMapsAsManySegmentsAsItSafelyCanAndNoMore() throws IOException {
    List<Mapping> mappings = new ArrayList<>();
    try (Fd fd = sealed(PUBLISHED)) {
      while (Mapping.live() < Segments.MAPPINGS_MAX) {
        mappings.add(Segments.mapPublished(fd, BYTES));
      }
      assertThatThrownBy(() -> Segments.mapPublished(fd, BYTES))
          .isInstanceOf(TooManyMappingsException.class)
          .hasMessage(
              "too many segments mapped in this process: mappings=16384 max=16384; drop views");
      mappings.removeLast().close();
      mappings.add(Segments.mapPublished(fd, BYTES));
    } finally {
      mappings.forEach(Mapping::close);
    }
  }

  @Test
  void whatIsNoMemoryFileIsRefused() {
    int[] pair = Libc.socketPair();
    try (Fd socket = Fd.adopt(pair[0]);
        Fd other = Fd.adopt(pair[1])) {
      assertThatThrownBy(() -> Segments.mapPublished(socket, BYTES))
          .isInstanceOf(ProtocolException.class)
          .hasMessageContaining("EINVAL");
      assertThat(other.isOpen()).isTrue();
    }
  }

  private static Fd sealed(Seals seals) throws IOException {
    Fd fd = Memfd.create("segments-test");
    Memfd.resize(fd, BYTES);
    Memfd.addSeals(fd, seals);
    return fd;
  }
}
