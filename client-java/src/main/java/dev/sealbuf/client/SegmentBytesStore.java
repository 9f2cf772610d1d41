package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.sealbuf.protocol.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.BytesUtil;
import net.openhft.chronicle.bytes.RandomDataInput;
import net.openhft.chronicle.bytes.internal.AbstractBytesStore;
import org.jspecify.annotations.Nullable;

/// A Chronicle store whose bytes are those of a [MemorySegment].
///
/// Chronicle's own store over foreign memory knows an address and a length and checks neither: one
/// access past the mapping, one after its end, or one store into sealed pages ends the JVM. Here
/// every access is one of the segment's, which checks bounds, lifetime and the right to write. To
/// Chronicle this is memory like that of the heap (`isDirectMemory` is false), so it asks for no
/// addresses. Values are little-endian, as on all machines that Sealbuf runs on; volatile and
/// atomic access is for offsets that are multiples of the value's size, as everywhere in Java.
final class SegmentBytesStore extends AbstractBytesStore<SegmentBytesStore, Void> {
  private static final VarHandle SHORT = LittleEndian.U16.varHandle();
  private static final VarHandle INT = LittleEndian.U32.varHandle();
  private static final VarHandle LONG = LittleEndian.U64.varHandle();
  private static final VarHandle BYTE = LittleEndian.U8.varHandle();

  private final MemorySegment segment;

  SegmentBytesStore(MemorySegment segment) {
    super(false);
    this.segment = segment;
  }

  @Override
  public boolean isDirectMemory() {
    return false;
  }

  @Override
  public boolean sharedMemory() {
    return true;
  }

  @Override
  public long capacity() {
    return segment.byteSize();
  }

  @Override
  public @Nullable Void underlyingObject() {
    return null;
  }

  /// A store of the heap with the same bytes.
  @Override
  public SegmentBytesStore copy() {
    byte[] bytes = new byte[Math.toIntExact(segment.byteSize())];
    MemorySegment copy = MemorySegment.ofArray(bytes);
    return new SegmentBytesStore(copy.copyFrom(segment));
  }

  /// The segment ends with its writer or buffer, not with its views.
  @Override
  protected void performRelease() {}

  @Override
  public void move(long from, long to, long length) {
    MemorySegment.copy(segment, from, segment, to, length);
  }

  @Override
  public byte readByte(long offset) {
    return segment.get(LittleEndian.U8, offset);
  }

  @Override
  public byte readVolatileByte(long offset) {
    return (byte) BYTE.getVolatile(segment, offset);
  }

  @Override
  public SegmentBytesStore writeByte(long offset, byte value) {
    segment.set(LittleEndian.U8, offset, value);
    return this;
  }

  @Override
  public SegmentBytesStore writeVolatileByte(long offset, byte value) {
    BYTE.setVolatile(segment, offset, value);
    return this;
  }

  @Override
  public short readShort(long offset) {
    return segment.get(LittleEndian.SHORT, offset);
  }

  @Override
  public short readVolatileShort(long offset) {
    return (short) SHORT.getVolatile(segment, offset);
  }

  @Override
  public SegmentBytesStore writeShort(long offset, short value) {
    segment.set(LittleEndian.SHORT, offset, value);
    return this;
  }

  @Override
  public SegmentBytesStore writeVolatileShort(long offset, short value) {
    SHORT.setVolatile(segment, offset, value);
    return this;
  }

  @Override
  public int readInt(long offset) {
    return segment.get(LittleEndian.INTEGER, offset);
  }

  @Override
  public int readVolatileInt(long offset) {
    return (int) INT.getVolatile(segment, offset);
  }

  @Override
  public SegmentBytesStore writeInt(long offset, int value) {
    segment.set(LittleEndian.INTEGER, offset, value);
    return this;
  }

  @Override
  public SegmentBytesStore writeVolatileInt(long offset, int value) {
    INT.setVolatile(segment, offset, value);
    return this;
  }

  @Override
  public long readLong(long offset) {
    return segment.get(LittleEndian.LONG_INTEGER, offset);
  }

  @Override
  public long readVolatileLong(long offset) {
    return (long) LONG.getVolatile(segment, offset);
  }

  @Override
  public SegmentBytesStore writeLong(long offset, long value) {
    segment.set(LittleEndian.LONG_INTEGER, offset, value);
    return this;
  }

  @Override
  public SegmentBytesStore writeVolatileLong(long offset, long value) {
    LONG.setVolatile(segment, offset, value);
    return this;
  }

  @Override
  public float readFloat(long offset) {
    return Float.intBitsToFloat(readInt(offset));
  }

  @Override
  public SegmentBytesStore writeFloat(long offset, float value) {
    return writeInt(offset, Float.floatToRawIntBits(value));
  }

  @Override
  public double readDouble(long offset) {
    return Double.longBitsToDouble(readLong(offset));
  }

  @Override
  public SegmentBytesStore writeDouble(long offset, double value) {
    return writeLong(offset, Double.doubleToRawLongBits(value));
  }

  @Override
  public SegmentBytesStore writeOrderedInt(long offset, int value) {
    INT.setRelease(segment, offset, value);
    return this;
  }

  @Override
  public boolean compareAndSwapInt(long offset, int expected, int value) {
    return INT.compareAndSet(segment, offset, expected, value);
  }

  @Override
  public SegmentBytesStore writeOrderedLong(long offset, long value) {
    LONG.setRelease(segment, offset, value);
    return this;
  }

  @Override
  public boolean compareAndSwapLong(long offset, long expected, long value) {
    return LONG.compareAndSet(segment, offset, expected, value);
  }

  @Override
  public void testAndSetInt(long offset, int expected, int value) {
    int found = (int) INT.compareAndExchange(segment, offset, expected, value);
    if (found != expected) {
      throw new IllegalStateException(
          "another value than expected: offset=%d value=%d expected=%d"
              .formatted(offset, found, expected));
    }
  }

  @Override
  public long read(long from, byte[] target, int at, int length) {
    int count = (int) Math.min(length, readLimit() - from);
    MemorySegment.copy(segment, LittleEndian.U8, from, target, at, count);
    return count;
  }

  @Override
  public SegmentBytesStore write(long to, byte[] source, int at, int length) {
    MemorySegment.copy(source, at, segment, LittleEndian.U8, to, length);
    return this;
  }

  @Override
  public void write(long to, ByteBuffer source, int at, int length) {
    MemorySegment.copy(MemorySegment.ofBuffer(source.slice(at, length)), 0, segment, to, length);
  }

  @Override
  public SegmentBytesStore write(long to, RandomDataInput source, long at, long length) {
    segment.asSlice(to, length); // all of it or nothing
    long step = 0;
    for (; step <= length - Long.BYTES; step += Long.BYTES) {
      writeLong(to + step, source.readLong(at + step));
    }
    for (; step < length; step++) {
      writeByte(to + step, source.readByte(at + step));
    }
    return this;
  }

  @Override
  public long write8bit(long to, BytesStore<?, ?> source) {
    long length = source.readRemaining();
    long at = BytesUtil.writeStopBit(this, to, length);
    write(at, source, source.readPosition(), length);
    return at + length;
  }

  @Override
  public long write8bit(long to, String text, int start, int length) {
    long at = BytesUtil.writeStopBit(this, to, length);
    for (int i = 0; i < length; i++) {
      writeByte(at + i, (byte) text.charAt(start + i));
    }
    return at + length;
  }

  /// Writes a decimal number from its last digit on.
  ///
  /// @param exponent how many digits are behind the point; below 0: zeroes before it
  /// @param append0 whether a whole number ends with `.0`
  @Override
  public long appendAndReturnLength(
      long to, boolean negative, long mantissa, int exponent, boolean append0) {
    StringBuilder reversed = new StringBuilder();
    if (exponent <= 0) {
      reversed.append(append0 ? "0." : "").repeat('0', -exponent);
    }
    int behindPoint = exponent > 0 ? exponent : -1;
    long left = mantissa;
    do {
      reversed.append((char) ('0' + Long.remainderUnsigned(left, 10)));
      left = Long.divideUnsigned(left, 10);
      if (--behindPoint == 0) {
        reversed.append('.');
      }
    } while (left != 0 || behindPoint >= 0);
    reversed.append(negative ? "-" : "");
    byte[] digits = reversed.reverse().toString().getBytes(US_ASCII);
    write(to, digits, 0, digits.length);
    return digits.length;
  }

  @Override
  public long addressForRead(long offset) {
    throw noAddress();
  }

  @Override
  public long addressForWrite(long offset) {
    throw noAddress();
  }

  @Override
  public long addressForWritePosition() {
    throw noAddress();
  }

  @Override
  public void nativeRead(long position, long address, long size) {
    throw noAddress();
  }

  @Override
  public void nativeWrite(long address, long position, long size) {
    throw noAddress();
  }

  private static UnsupportedOperationException noAddress() {
    return new UnsupportedOperationException("shared memory is not accessed by address");
  }
}
