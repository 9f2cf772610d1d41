package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class HugePagesTest {
  @Test
  void wholeHugePagesAreMappedAsSuch() throws IOException {
    long huge = PageSizes.huge().orElse(0);
    assumeTrue(huge > 0, "this kernel has no huge pages");
    long bytes = 3 * huge;
    try (Fd fd = Memfd.create("huge")) {
      Memfd.resize(fd, bytes);
      long collapsed = HugePages.prepare(fd, bytes);
      assumeTrue(collapsed == bytes, "this kernel did not collapse: bytes=" + collapsed);
      try (Mapping reader = Mapping.readOnly(fd, bytes)) {
        MemorySegment view = reader.segment();
        for (long offset = 0; offset < bytes; offset += huge) {
          assertThat(view.get(ValueLayout.JAVA_BYTE, offset)).isZero();
        }
        assertThat(ProcessMaps.bytes(view.address(), "ShmemPmdMapped")).isEqualTo(bytes);
      }
    }
  }

  @Test
  void noSizeLeavesAHole() throws IOException {
    long huge = PageSizes.huge().orElse(2 * 1024 * 1024);
    long base = PageSizes.base();
    for (long bytes : new long[] {1, base, base + 1, huge - 1, huge, huge + 1, 2 * huge - base}) {
      try (Fd fd = Memfd.create("huge")) {
        Memfd.resize(fd, bytes);
        long collapsed = HugePages.prepare(fd, bytes);
        assertThat(collapsed).isIn(0L, bytes - bytes % huge);
        assertThat(Memfd.stat(fd).allocated()).isEqualTo(PageSizes.roundUp(bytes));
      }
    }
  }

  @Test
  void whatWasPreparedCanBeSealed() throws IOException {
    long bytes = 2 * PageSizes.huge().orElse(2 * 1024 * 1024);
    Seals published = Seals.of(Seals.WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);
    try (Fd fd = Memfd.create("huge")) {
      Memfd.resize(fd, bytes);
      HugePages.prepare(fd, bytes);
      Memfd.addSeals(fd, published);
      assertThat(Memfd.seals(fd).isExactly(published)).isTrue();
    }
  }

  @Test
  void pageSizesArePowersOfTwo() {
    assertThat(Long.bitCount(PageSizes.base())).isEqualTo(1);
    assertThat(PageSizes.roundUp(0)).isZero();
    assertThat(PageSizes.roundUp(1)).isEqualTo(PageSizes.base());
    assertThat(PageSizes.roundUp(PageSizes.base())).isEqualTo(PageSizes.base());
    PageSizes.huge().ifPresent(huge -> assertThat(huge % PageSizes.base()).isZero());
  }
}
