import dev.sealbuf.client.BufferWriter;
import dev.sealbuf.client.Sealbuf;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.StringJoiner;

/// Publishes for others who wait. Each line of standard input is `PREFIX BYTES COUNT PAUSE_NANOS`;
/// the answer is one line with the time of each publishing, in nanoseconds of CLOCK_MONOTONIC. A
/// buffer is filled and rested on before; its number stands in front.
///
///     java --enable-native-access=ALL-UNNAMED -cp 'LIB/*' Producer.java SOCKET
final class Producer {
  private static final ValueLayout.OfLong NUMBER =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /// Up to here a hand-off is a put, one round trip; above, a writer is filled and sealed.
  private static final long PUT_UP_TO = 256 << 10;

  /// So many of both before the first that counts: here and in the daemon all is compiled by then.
  private static final int WARM_UP = 1000;

  private Producer() {}

  static void main(String[] args) throws InterruptedException {
    try (Sealbuf store = Sealbuf.connect(Path.of(args[0]))) {
      warmUp(store);
      IO.println("ready");
      for (String line = IO.readln(); line != null; line = IO.readln()) {
        String[] words = line.split(" ");
        Duration pause = Duration.ofNanos(Long.parseLong(words[3]));
        IO.println(
            produce(store, words[0], Long.parseLong(words[1]), Integer.parseInt(words[2]), pause));
      }
    }
  }

  private static void warmUp(Sealbuf store) throws InterruptedException {
    for (int i = 0; i < WARM_UP; i++) {
      publish(store, "warm/up", i % 2 == 0 ? 64 : PUT_UP_TO + 1, 0, Duration.ZERO);
      store.delete("warm/up");
    }
  }

  private static String produce(
      Sealbuf store, String prefix, long bytes, int count, Duration pause)
      throws InterruptedException {
    StringJoiner begins = new StringJoiner(" ");
    for (int number = 0; number < count; number++) {
      begins.add(Long.toString(publish(store, prefix + "/" + number, bytes, number, pause)));
    }
    return begins.toString();
  }

  private static long publish(Sealbuf store, String name, long bytes, int number, Duration pause)
      throws InterruptedException {
    return bytes <= PUT_UP_TO
        ? put(store, name, (int) bytes, number, pause)
        : seal(store, name, bytes, number, pause);
  }

  private static long put(Sealbuf store, String name, int bytes, int number, Duration pause)
      throws InterruptedException {
    byte[] payload = new byte[bytes];
    MemorySegment.ofArray(payload).set(NUMBER, 0, number);
    Thread.sleep(pause);
    long begin = System.nanoTime();
    store.put(name, payload);
    return begin;
  }

  private static long seal(Sealbuf store, String name, long bytes, int number, Duration pause)
      throws InterruptedException {
    try (BufferWriter writer = store.create(name, bytes)) {
      writer.segment().fill((byte) 7);
      writer.segment().set(NUMBER, 0, number);
      Thread.sleep(pause);
      long begin = System.nanoTime();
      writer.seal().close();
      return begin;
    }
  }
}
