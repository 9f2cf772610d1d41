package dev.sealbuf.memory;

import dev.sealbuf.interleavings.Interleavings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Test;

/// Whoever of many says goodbye, the word is 0 when that returns.
public final class OwnerLockInterleavingTest {
  @Test
  void theWordIsZeroForWhoeverSaysGoodbye() {
    Interleavings.stress(Leaving.class, 500);
  }

  public static final class Leaving {
    /// Never freed: the kernel walks the list of what a thread has locked.
    private final MemorySegment memory = Arena.global().allocate(OwnerLock.BYTES, Long.BYTES);

    private final OwnerLock lock = held(memory);

    @Operation
    public int close() {
      lock.close();
      return memory.get(ValueLayout.JAVA_INT, 0);
    }

    private static OwnerLock held(MemorySegment memory) {
      try {
        return OwnerLock.hold(memory);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
