package dev.sealbuf.protocol;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The record of a buffer in a slab, checked and copied but not yet read: a get should cost little
/// more than a look-up in a map, and few who get a buffer ask for more than its bytes.
///
/// It is good for ever, whatever becomes of the slab.
public final class RecordCopy {
  private final long[] words;
  private final long slabBytes;

  private RecordCopy(long[] words, long slabBytes) {
    this.words = words;
    this.slabBytes = slabBytes;
  }

  /// Copies the record at byte `at` of a slab.
  public static RecordCopy of(MemorySegment slab, long at) throws LayoutException {
    return of(slab, at, RecordParts.read(slab, at));
  }

  /// Copies the record at byte `at` of a slab if it carries this name; null: another.
  public static @Nullable RecordCopy ifNamed(MemorySegment slab, long at, byte[] name)
      throws LayoutException {
    RecordParts parts = RecordParts.read(slab, at);
    return BufferRecord.isNamed(slab, at, parts, name) ? of(slab, at, parts) : null;
  }

  private static RecordCopy of(MemorySegment slab, long at, RecordParts parts)
      throws LayoutException {
    BufferRecord.check(slab, at, parts, slab.byteSize());
    long[] words = new long[(int) ((parts.bytes() + Long.BYTES - 1) / Long.BYTES)];
    MemorySegment.copy(slab, at, MemorySegment.ofArray(words), 0, parts.bytes());
    return new RecordCopy(words, slab.byteSize());
  }

  /// What it takes of the heap, about.
  public int bytes() {
    return words.length * Long.BYTES;
  }

  private MemorySegment memory() {
    return MemorySegment.ofArray(words);
  }

  /// 0: the payload is in the slab; else the dedicated segment it is in.
  public long segment() {
    return memory().get(LittleEndian.U64, RecordLayout.SEGMENT);
  }

  /// First byte of the payload in its segment.
  public long offset() {
    return memory().get(LittleEndian.U64, RecordLayout.OFFSET);
  }

  public long nbytes() {
    return memory().get(LittleEndian.U64, RecordLayout.NBYTES);
  }

  /// Checks that the payload lies within a dedicated segment of so many bytes.
  public void checkPayload(long segmentBytes) throws LayoutException {
    BufferRecord.checkPayload(offset(), nbytes(), segmentBytes);
  }

  /// All that it says but for the metadata.
  public BufferRecord read() {
    return checked(() -> BufferRecord.read(memory(), 0, slabBytes));
  }

  /// What its producer said beside the bytes.
  public byte[] metadata() {
    return checked(() -> BufferRecord.metadata(memory(), 0));
  }

  @FunctionalInterface
  private interface Read<R> {
    R read() throws LayoutException;
  }

  private static <R> R checked(Read<R> read) {
    try {
      return read.read();
    } catch (LayoutException e) {
      throw new AssertionError("a record is checked before it is copied", e);
    }
  }
}
