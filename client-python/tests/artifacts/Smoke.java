import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealedBuffer;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// `smoke.py` in Java.
final class Smoke {
  private static final int READ_AND_WRITE = 3;

  private Smoke() {}

  public static void main(String[] arguments) throws Throwable {
    String name = arguments[0];
    try (Sealbuf store = Sealbuf.connect()) {
      store.put(name, "hello".getBytes());
      try (SealedBuffer buffer = store.get(name)) {
        boolean refused = clientRefuses(buffer.segment()) && kernelRefuses(buffer.segment());
        String read = new String(buffer.toByteArray());
        System.out.printf("write refused: %b%nread: %s%n", refused, read);
      }
    }
  }

  private static boolean clientRefuses(MemorySegment segment) {
    try {
      segment.set(JAVA_BYTE, 0, (byte) 0);
    } catch (IllegalArgumentException _) {
      return true;
    }
    return false;
  }

  private static boolean kernelRefuses(MemorySegment segment) throws Throwable {
    Linker linker = Linker.nativeLinker();
    MethodHandle mprotect =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("mprotect"),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    long page = segment.address() & -4096L;
    return (int) mprotect.invokeExact(page, 4096L, READ_AND_WRITE) == -1;
  }
}
