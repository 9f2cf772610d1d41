package dev.sealbuf.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/// The C library, for tests that attack: any function of integers and pointers, by name.
///
/// On x86-64 and aarch64 all of these travel in the same registers, so every argument may be
/// declared `long`.
@SuppressWarnings("restricted")
public final class Libc {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final int ERROR = -1;

  private Libc() {}

  /// The result, or the negated error number when it is -1.
  public static long call(String symbol, long... arguments) {
    MemoryLayout[] types = new MemoryLayout[arguments.length];
    Arrays.fill(types, ValueLayout.JAVA_LONG);
    MethodHandle function =
        LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow(symbol),
            FunctionDescriptor.of(ValueLayout.JAVA_LONG, types),
            Linker.Option.captureCallState("errno"));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(Linker.Option.captureStateLayout());
      Object[] all = new Object[arguments.length + 1];
      all[0] = errno;
      for (int i = 0; i < arguments.length; i++) {
        all[i + 1] = arguments[i];
      }
      long result = (long) function.invokeWithArguments(all);
      boolean failed = result == ERROR || (result >>> Integer.SIZE == 0 && (int) result == ERROR);
      return failed ? -errno.get(ValueLayout.JAVA_INT, 0) : result;
    } catch (Throwable e) {
      throw new AssertionError(symbol, e);
    }
  }

  /// Two connected Unix stream sockets, as numbers that the caller closes.
  public static int[] socketPair() {
    int unix = 1;
    int streamCloseOnExec = 1 | 0x80000;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pair = arena.allocate(ValueLayout.JAVA_INT, 2);
      long result = call("socketpair", unix, streamCloseOnExec, 0, pair.address());
      if (result != 0) {
        throw new AssertionError("socketpair: errno=" + -result);
      }
      return pair.toArray(ValueLayout.JAVA_INT);
    }
  }
}
