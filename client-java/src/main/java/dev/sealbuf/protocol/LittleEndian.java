package dev.sealbuf.protocol;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/// The one place that knows the byte order. Everything on the wire and in shared memory is
/// little-endian, and in shared memory aligned to its size, as atomic access demands.
public final class LittleEndian {
  public static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;
  public static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT.withOrder(LITTLE_ENDIAN);
  public static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT.withOrder(LITTLE_ENDIAN);
  public static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG.withOrder(LITTLE_ENDIAN);

  // Of payloads, where a value may begin at any byte.
  public static final ValueLayout.OfShort SHORT = U16.withByteAlignment(1);
  public static final ValueLayout.OfInt INTEGER = U32.withByteAlignment(1);
  public static final ValueLayout.OfLong LONG_INTEGER = U64.withByteAlignment(1);

  private static final VarHandle INT = U32.varHandle().withInvokeExactBehavior();
  private static final VarHandle LONG = U64.varHandle().withInvokeExactBehavior();

  private LittleEndian() {}

  /// Sets the order of a buffer that carries frames.
  static ByteBuffer order(ByteBuffer buffer) {
    return buffer.order(LITTLE_ENDIAN);
  }

  public static int getAcquire32(MemorySegment memory, long offset) {
    return (int) INT.getAcquire(memory, offset);
  }

  public static void setRelease32(MemorySegment memory, long offset, int value) {
    INT.setRelease(memory, offset, value);
  }

  public static long getAcquire64(MemorySegment memory, long offset) {
    return (long) LONG.getAcquire(memory, offset);
  }

  public static void setRelease64(MemorySegment memory, long offset, long value) {
    LONG.setRelease(memory, offset, value);
  }
}
