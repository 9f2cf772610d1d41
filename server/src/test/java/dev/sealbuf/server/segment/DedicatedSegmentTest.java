package dev.sealbuf.server.segment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.PageSizes;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class DedicatedSegmentTest {
  private static final long MIB = 1 << 20;

  @Test
  void sizesAreRoundedToHugePagesWhereHalfOfOneIsFilled() {
    assumeThat(PageSizes.huge()).hasValue(2 * MIB);
    long page = PageSizes.base();

    assertThat(DedicatedSegment.bytesFor(0)).isEqualTo(page);
    assertThat(DedicatedSegment.bytesFor(1)).isEqualTo(page);
    assertThat(DedicatedSegment.bytesFor(page)).isEqualTo(page);
    assertThat(DedicatedSegment.bytesFor(page + 1)).isEqualTo(2 * page);
    assertThat(DedicatedSegment.bytesFor(MIB - page)).isEqualTo(MIB - page);
    assertThat(DedicatedSegment.bytesFor(MIB)).isEqualTo(2 * MIB);
    assertThat(DedicatedSegment.bytesFor(2 * MIB)).isEqualTo(2 * MIB);
    assertThat(DedicatedSegment.bytesFor(2 * MIB + 1)).isEqualTo(2 * MIB + page);
    assertThat(DedicatedSegment.bytesFor(3 * MIB - 1)).isEqualTo(3 * MIB).isLessThan(4 * MIB);
    assertThat(DedicatedSegment.bytesFor(3 * MIB)).isEqualTo(4 * MIB);
    assertThat(DedicatedSegment.bytesFor((1L << 53) - 1)).isEqualTo(1L << 53);
  }

  @Test
  void aPreparedSegmentHasItsSizeAllItsMemoryAndModeAndSealsOfALoan() throws IOException {
    for (long bytes : new long[] {PageSizes.base(), 2 * MIB, 4 * MIB + PageSizes.base()}) {
      try (DedicatedSegment segment = DedicatedSegment.prepare(7, bytes);
          Fd fd = segment.freshReadOnly()) {
        Memfd.Stat stat = Memfd.stat(fd);
        assertThat(stat.bytes()).isEqualTo(bytes);
        assertThat(stat.allocated()).isEqualTo(bytes);
        assertThat(stat.mode() & 0777).isEqualTo(0600);
        assertThat(Memfd.seals(fd).isExactly(DedicatedSegment.LENT)).isTrue();
        assertThat(segment.hugePageBytes()).isLessThanOrEqualTo(bytes).isNotNegative();
      }
    }
  }

  @Test
  void aSealIsRefusedWhileAWritableMappingLivesAndCanBeRepeated() throws IOException {
    try (DedicatedSegment segment = DedicatedSegment.prepare(7, 2 * MIB);
        Fd writable = segment.freshReadWrite()) {
      try (Mapping _ = Mapping.readWrite(writable, 2 * MIB)) {
        assertThat(segment.seal()).isEqualTo(new SealOutcome.StillMapped());
        assertThat(Memfd.seals(writable).isExactly(DedicatedSegment.LENT)).isTrue();
      }

      assertThat(segment.seal()).isEqualTo(new SealOutcome.Sealed());
      assertThat(segment.seal()).isEqualTo(new SealOutcome.Sealed());
      assertThat(Memfd.seals(writable).isExactly(DedicatedSegment.PUBLISHED)).isTrue();
    }
  }
}
