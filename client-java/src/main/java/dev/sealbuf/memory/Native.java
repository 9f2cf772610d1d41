package dev.sealbuf.memory;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Locale;

/// How C is called: the only class of the project that links native symbols or makes a segment out
/// of an address. [Posix] and [Events] say what is called.
///
/// **errno** is captured by the linker into a scratch segment that each thread keeps. EINTR never
/// leaves [#call]: the call is repeated. [#callOnce] is for close(2), which on Linux has closed the
/// descriptor by then, and for what cannot be interrupted.
///
/// None of the handles is `critical`: such a call holds up the garbage collector, and any of these
/// may block.
@SuppressWarnings("restricted")
final class Native {
  private static final Linker LINKER = linker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno")).withInvokeExactBehavior();
  private static final ThreadLocal<MemorySegment> SCRATCH =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

  /// One call: a handle with its arguments, the first of them the segment for errno.
  @FunctionalInterface
  interface Call {
    long invoke(MemorySegment errno) throws Throwable;
  }

  /// What a failed call was given, as `name=value`.
  @FunctionalInterface
  interface Arguments {
    String describe();
  }

  private Native() {}

  /// The result, or the negated error number when it is -1; repeated while it is interrupted.
  static long call(Call call) {
    long result = callOnce(call);
    while (result == -Errno.EINTR) {
      result = callOnce(call);
    }
    return result;
  }

  /// The result, or the negated error number when it is -1.
  static long callOnce(Call call) {
    MemorySegment state = SCRATCH.get();
    try {
      long result = call.invoke(state);
      return result == -1 ? -(int) ERRNO.get(state, 0L) : result;
    } catch (RuntimeException | Error failure) {
      throw failure;
    } catch (Throwable impossible) {
      throw new AssertionError("a downcall throws nothing checked", impossible);
    }
  }

  /// The result, unless it is an error.
  static long check(long result, String call, Arguments arguments) throws PosixException {
    if (result < 0) {
      throw new PosixException(call, arguments.describe(), (int) -result);
    }
    return result;
  }

  /// A segment over a range that this process has mapped. It ends with the arena, which then runs
  /// `cleanup`.
  static MemorySegment segment(long address, long bytes, Arena arena, Runnable cleanup) {
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, _ -> cleanup.run());
  }

  /// A function that returns an int, as most do.
  static FunctionDescriptor ints(MemoryLayout... arguments) {
    return FunctionDescriptor.of(JAVA_INT, arguments);
  }

  /// A function that returns a long, a ssize_t or an address.
  static FunctionDescriptor longs(MemoryLayout... arguments) {
    return FunctionDescriptor.of(JAVA_LONG, arguments);
  }

  static MethodHandle link(String symbol, FunctionDescriptor type) {
    return handle(symbol, type, Linker.Option.captureCallState("errno"));
  }

  /// A function with a variable number of arguments, of which so many are fixed.
  static MethodHandle linkVariadic(String symbol, int fixed, FunctionDescriptor type) {
    return handle(
        symbol,
        type,
        Linker.Option.captureCallState("errno"),
        Linker.Option.firstVariadicArg(fixed));
  }

  private static MethodHandle handle(
      String symbol, FunctionDescriptor type, Linker.Option... options) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(symbol), type, options);
  }

  private static Linker linker() {
    String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String machine = System.getProperty("os.arch", "");
    if (!system.equals("linux") || !(machine.equals("amd64") || machine.equals("aarch64"))) {
      throw new UnsupportedOperationException(
          "Sealbuf needs Linux on x86-64 or aarch64: os=" + system + " arch=" + machine);
    }
    return Linker.nativeLinker();
  }
}
