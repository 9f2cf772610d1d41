package dev.sealbuf.server.verify;

import dev.sealbuf.client.NotFoundException;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealedBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/// Writes to a sealed buffer through its raw address, past all that Java and the client have to say
/// about it, and is expected to die of it: `SOCKET NAMESPACE NAME`. The status of a JVM that died
/// of a signal depends on its options, so it says how far it came.
final class Attacker {
  static final String BEFORE = "before the write";
  static final String AFTER = "after the write";

  private Attacker() {}

  static void main(String[] arguments) {
    try (Sealbuf store = WorkerMain.connect(Path.of(arguments[0]), arguments[1]);
        SealedBuffer buffer = store.get(arguments[2])) {
      if (buffer.nbytes() > 0) {
        attack(buffer.segment());
      }
    } catch (NotFoundException _) {
      // Deleted meanwhile.
    }
  }

  @SuppressWarnings("restricted") // this is what they are restricted for
  private static void attack(MemorySegment bytes) {
    MemorySegment raw = MemorySegment.ofAddress(bytes.address()).reinterpret(bytes.byteSize());
    byte other = (byte) ~raw.get(ValueLayout.JAVA_BYTE, 0);
    System.out.println(BEFORE);
    try {
      raw.set(ValueLayout.JAVA_BYTE, 0, other);
    } finally {
      System.out.println(AFTER);
    }
  }
}
