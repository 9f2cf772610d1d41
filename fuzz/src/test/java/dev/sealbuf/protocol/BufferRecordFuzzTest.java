package dev.sealbuf.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever lies in a slab, a record is refused or leads to bytes within it.
final class BufferRecordFuzzTest {
  private static final int SLAB_BYTES = 4096;

  private static final long[] PLACES = {0, 64, 128, 32, -64, SLAB_BYTES - 64, SLAB_BYTES};

  @MethodSource("dev.sealbuf.protocol.Seeds#records")
  @FuzzTest
  void aRecordIsReadOrRefused(byte[] bytes) {
    MemorySegment slab = MemorySegment.ofArray(new long[SLAB_BYTES / Long.BYTES]);
    slab.asSlice(0, Math.min(bytes.length, SLAB_BYTES))
        .copyFrom(MemorySegment.ofArray(bytes).asSlice(0, Math.min(bytes.length, SLAB_BYTES)));
    for (long at : PLACES) {
      check(slab, at);
    }
  }

  private static void check(MemorySegment slab, long at) {
    BufferRecord record;
    try {
      record = BufferRecord.read(slab, at);
    } catch (LayoutException e) {
      assertThat(e.getMessage()).doesNotContain("\n");
      return;
    }
    assertThat(record.segment() != 0 || record.offset() + record.nbytes() <= SLAB_BYTES).isTrue();
    assertThat(record.nbytes()).isEqualTo(items(record) * itemBytes(record));
    checkCopy(slab, at, record);
  }

  /// A copy says the same.
  private static void checkCopy(MemorySegment slab, long at, BufferRecord record) {
    try {
      RecordCopy copy = RecordCopy.of(slab, at);
      assertThat(copy.read()).isEqualTo(record);
      assertThat(copy.metadata()).isEqualTo(BufferRecord.metadata(slab, at));
    } catch (LayoutException e) {
      throw new AssertionError("read, and then refused", e);
    }
  }

  private static long items(BufferRecord record) {
    return record.description().shape().stream().reduce(1L, (a, b) -> a * b);
  }

  private static long itemBytes(BufferRecord record) {
    return record.description().itemBytes(record.nbytes());
  }
}
