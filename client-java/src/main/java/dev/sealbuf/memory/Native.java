package dev.sealbuf.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
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

/// A function of the C library, and how it is called: the only class of the project that links
/// native symbols or makes a segment out of an address. [Posix] and [Events] say what is called.
///
/// **Shapes.** On both machines a number or an address travels in a register of 64 bits, be it
/// fixed or variadic, and a function looks only at those that it has a parameter for and, of an
/// `int`, only at the lower half. So all functions are called in four shapes, by where a segment
/// stands among the numbers, and what is left over is 0. A shape costs the JVM a dozen classes,
/// which no cache keeps; one for each signature was a quarter of the daemon's start.
///
/// **Segments** are passed as such, not as numbers, so that they are alive, native, and stay so
/// during the call. An address of a confined arena that is open around the call may be a number.
///
/// **errno** is captured by the linker into a scratch segment that each thread keeps. EINTR never
/// leaves `call`: the call is repeated. [#callOnce] is for close(2), which on Linux has closed the
/// descriptor by then, and for what cannot be interrupted.
///
/// None of the handles is `critical`: such a call holds up the garbage collector, and any of these
/// may block.
///
/// @param symbol where the function is
/// @param returnsInt whether the upper half of what it returns means nothing
@SuppressWarnings("restricted")
record Native(MemorySegment symbol, boolean returnsInt) {
  private static final Linker LINKER = linker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno")).withInvokeExactBehavior();
  private static final ThreadLocal<MemorySegment> SCRATCH =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

  private static final MethodHandle NUMBERS =
      shape(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle SEGMENT_FIRST = shape(ADDRESS, JAVA_LONG);
  private static final MethodHandle SEGMENT_SECOND =
      shape(JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle SEGMENT_FOURTH =
      shape(JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG);

  /// One call: a handle with its arguments.
  @FunctionalInterface
  private interface Call {
    long invoke(MemorySegment errno) throws Throwable;
  }

  /// What a failed call was given, as `name=value`.
  @FunctionalInterface
  interface Arguments {
    String describe();
  }

  /// A function that returns an int, as most do.
  static Native ints(String symbol) {
    return new Native(find(symbol), true);
  }

  /// A function that returns a long, a ssize_t or an address.
  static Native longs(String symbol) {
    return new Native(find(symbol), false);
  }

  // Each returns the result, or the negated error number when that is -1.

  long call(long a) {
    return call(a, 0);
  }

  long call(long a, long b) {
    return call(a, b, 0);
  }

  long call(long a, long b, long c) {
    return call(a, b, c, 0, 0, 0);
  }

  long call(long a, long b, long c, long d, long e, long f) {
    return repeated(errno -> (long) NUMBERS.invokeExact(symbol, errno, a, b, c, d, e, f));
  }

  long call(MemorySegment a) {
    return call(a, 0);
  }

  long call(MemorySegment a, long b) {
    return repeated(errno -> (long) SEGMENT_FIRST.invokeExact(symbol, errno, a, b));
  }

  long call(long a, MemorySegment b, long c) {
    return call(a, b, c, 0);
  }

  long call(long a, MemorySegment b, long c, long d) {
    return repeated(errno -> (long) SEGMENT_SECOND.invokeExact(symbol, errno, a, b, c, d));
  }

  long call(long a, long b, long c, MemorySegment d, long e) {
    return repeated(errno -> (long) SEGMENT_FOURTH.invokeExact(symbol, errno, a, b, c, d, e));
  }

  long callOnce(long a) {
    return once(errno -> (long) NUMBERS.invokeExact(symbol, errno, a, 0L, 0L, 0L, 0L, 0L));
  }

  private long repeated(Call call) {
    long result = once(call);
    while (result == -Errno.EINTR) {
      result = once(call);
    }
    return result;
  }

  private long once(Call call) {
    MemorySegment state = SCRATCH.get();
    try {
      long returned = call.invoke(state);
      long result = returnsInt ? (int) returned : returned;
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

  private static MemorySegment find(String symbol) {
    return LINKER.defaultLookup().findOrThrow(symbol);
  }

  private static MethodHandle shape(MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        FunctionDescriptor.of(JAVA_LONG, arguments), Linker.Option.captureCallState("errno"));
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
