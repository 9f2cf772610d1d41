package dev.sealbuf.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Words that processes share: little-endian, aligned, each loaded and stored in one piece.
///
/// A load acquires and a store releases: whoever sees a stored word sees everything its writer had
/// stored before it. On x86-64 both are plain moves; on aarch64 LDAR and STLR. An offset that is
/// not aligned to the word's size is an `IllegalArgumentException`.
public final class Words {
  private static final VarHandle U32 =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();
  private static final VarHandle U64 =
      ValueLayout.JAVA_LONG
          .withOrder(ByteOrder.LITTLE_ENDIAN)
          .varHandle()
          .withInvokeExactBehavior();

  private Words() {}

  public static int loadU32(MemorySegment segment, long offset) {
    return (int) U32.getAcquire(segment, offset);
  }

  public static void storeU32(MemorySegment segment, long offset, int value) {
    U32.setRelease(segment, offset, value);
  }

  public static long loadU64(MemorySegment segment, long offset) {
    return (long) U64.getAcquire(segment, offset);
  }

  public static void storeU64(MemorySegment segment, long offset, long value) {
    U64.setRelease(segment, offset, value);
  }
}
