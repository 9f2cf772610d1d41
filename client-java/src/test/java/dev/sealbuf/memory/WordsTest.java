package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class WordsTest {
  private final MemorySegment segment = Arena.ofAuto().allocate(16, 8);

  @Test
  void theLowestByteComesFirst() {
    Words.storeU32(segment, 4, 0x01020304);
    Words.storeU64(segment, 8, 0x05060708_090a0b0cL);
    assertThat(segment.toArray(ValueLayout.JAVA_BYTE))
        .containsExactly(0, 0, 0, 0, 4, 3, 2, 1, 0xc, 0xb, 0xa, 9, 8, 7, 6, 5);
    assertThat(Words.loadU32(segment, 4)).isEqualTo(0x01020304);
    assertThat(Words.loadU64(segment, 8)).isEqualTo(0x05060708_090a0b0cL);
  }

  @Test
  void aWordThatIsNotAlignedIsRefused() {
    assertThatThrownBy(() -> Words.loadU64(segment, 4))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("Target offset 4 is incompatible with alignment constraint 8");
  }

  @Test
  void aWordOutsideTheSegmentIsRefused() {
    assertThatThrownBy(() -> Words.loadU32(segment, 16))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }
}
