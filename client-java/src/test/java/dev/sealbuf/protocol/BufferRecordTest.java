package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A number read from shared memory is range-checked before it is used.
class BufferRecordTest {
  private static final MemorySegment GOOD =
      MemorySegment.ofBuffer(Vector.read("record-inline.hex").bytes());

  private static final MemorySegment TYPED =
      MemorySegment.ofBuffer(Vector.read("record-typed.hex").bytes());

  private final MemorySegment slab = MemorySegment.ofArray(new long[512]);

  @BeforeEach
  void aGoodRecord() {
    slab.fill((byte) 0);
    slab.copyFrom(GOOD);
  }

  @Test
  void aGoodRecordIsRead() {
    assertThatCode(() -> BufferRecord.read(slab, 0)).doesNotThrowAnyException();
  }

  @Test
  void aRecordOutsideItsSlabIsRefused() {
    refused(-64, "record outside its slab: at=-64 slab_bytes=4096");
    refused(4096, "record outside its slab: at=4096 slab_bytes=4096");
    refused(4032, "record outside its slab: at=4032 slab_bytes=4096");
    refused(8, "record outside its slab: at=8 slab_bytes=4096");
    refused(Long.MIN_VALUE, "record outside its slab: at=-9223372036854775808 slab_bytes=4096");
  }

  @Test
  void lengthsThatDoNotAddUpAreRefused() {
    slab.set(LittleEndian.U16, RecordLayout.METADATA_BYTES, (short) -1);
    refused(0, "record length does not add up: at=0 record_bytes=97 parts=65632 room=4096");
  }

  @Test
  void moreAxesThanThereMayBeAreRefused() {
    long nbytes = slab.get(LittleEndian.U64, RecordLayout.NBYTES);
    for (int axis = 0; axis < 64; axis++) {
      slab.set(LittleEndian.U64, RecordLayout.SHAPE + 8L * axis, 1);
      slab.set(LittleEndian.U64, RecordLayout.SHAPE + 8L * (64 + axis), nbytes);
    }
    slab.set(LittleEndian.U8, RecordLayout.NDIM, (byte) 64);
    slab.set(LittleEndian.U32, RecordLayout.RECORD_BYTES, 72 + 16 * 64 + 8 + 1);
    assertThatCode(() -> BufferRecord.read(slab, 0)).doesNotThrowAnyException();
    slab.set(LittleEndian.U8, RecordLayout.NDIM, (byte) 65);
    slab.set(LittleEndian.U32, RecordLayout.RECORD_BYTES, 72 + 16 * 65 + 8 + 1);
    refused(0, "record has too many axes: at=0 ndim=65 max=64");
  }

  @Test
  void aPayloadThatLeavesItsSlabIsRefused() {
    slab.set(LittleEndian.U64, RecordLayout.NBYTES, 4096 - 128 + 1);
    refused(0, "payload outside its segment: offset=128 nbytes=3969 segment_bytes=4096");
    slab.set(LittleEndian.U64, RecordLayout.NBYTES, -1);
    refused(
        0,
        "payload outside its segment: offset=128 nbytes=18446744073709551615 segment_bytes=4096");
    slab.set(LittleEndian.U64, RecordLayout.NBYTES, 1);
    slab.set(LittleEndian.U64, RecordLayout.OFFSET, 1 << 20);
    refused(0, "payload outside its segment: offset=1048576 nbytes=1 segment_bytes=4096");
    slab.set(LittleEndian.U64, RecordLayout.OFFSET, 65);
    refused(0, "payload outside its segment: offset=65 nbytes=1 segment_bytes=4096");
  }

  @Test
  void itemsThatDoNotFillThePayloadAreRefused() {
    scribbledShape(6, 1, "shape=[6] strides=[1] nbytes=5");
    scribbledShape(-5, -1, "shape=[-5] strides=[-1] nbytes=5");
    scribbledShape(5, 0, "shape=[5] strides=[0] nbytes=5");
    // Their product is 2^64 + 5.
    scribbledShape(
        6_148_914_691_236_517_207L, 3, "shape=[6148914691236517207] strides=[3] nbytes=5");
  }

  private void scribbledShape(long items, long stride, String shown) {
    slab.set(LittleEndian.U64, RecordLayout.SHAPE, items);
    slab.set(LittleEndian.U64, RecordLayout.SHAPE + 8, stride);
    refused(0, "items do not fill the payload: " + shown);
  }

  @Test
  void noScribbleLeadsOutsideTheSlab() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] name = "greeting".getBytes(UTF_8);
    for (int round = 0; round < 20_000; round++) {
      slab.copyFrom(round % 2 == 0 ? GOOD : TYPED);
      slab.set(LittleEndian.U8, random.nextInt((int) GOOD.byteSize()), (byte) random.nextInt());
      assertThat(outcome(name)).as("seed %d round %d", seed, round).matches("read|refused");
    }
  }

  private String outcome(byte[] name) {
    try {
      BufferRecord.isNamed(slab, 0, name);
      BufferRecord.read(slab, 0);
      BufferRecord.metadata(slab, 0);
      return "read";
    } catch (LayoutException _) {
      return "refused";
    } catch (RuntimeException e) {
      return e.toString();
    }
  }

  private void refused(long at, String message) {
    assertThatThrownBy(() -> BufferRecord.read(slab, at))
        .isInstanceOf(LayoutException.class)
        .hasMessage(message);
  }
}
