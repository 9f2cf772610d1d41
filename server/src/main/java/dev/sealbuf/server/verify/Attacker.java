package dev.sealbuf.server.verify;

import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealedBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/// Writes to a sealed buffer through its raw address, past all that Java and the client have to say
/// about it, and is expected to die of it. `SOCKET NAMESPACE NAME`.
final class Attacker {
  static final int NOTHING_TO_ATTACK = 3;

  private Attacker() {}

  @SuppressWarnings("restricted") // this is what they are restricted for
  static void main(String[] arguments) {
    try (Sealbuf store = WorkerMain.connect(Path.of(arguments[0]), arguments[1]);
        SealedBuffer buffer = store.get(arguments[2])) {
      MemorySegment bytes = buffer.segment();
      MemorySegment raw = MemorySegment.ofAddress(bytes.address()).reinterpret(bytes.byteSize());
      raw.set(ValueLayout.JAVA_BYTE, 0, (byte) ~raw.get(ValueLayout.JAVA_BYTE, 0));
    } catch (dev.sealbuf.client.NotFoundException _) {
      System.exit(NOTHING_TO_ATTACK);
    }
  }
}
