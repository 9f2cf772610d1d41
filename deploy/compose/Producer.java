import dev.sealbuf.client.*;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.SplittableRandom;

/// The producer of docker-compose.yml: writes batches of random bytes where they will be read, publishes them, and
/// then an index of them. What it prints, the workers print as well.
final class Producer {
  private static final int BATCHES = 4;
  private static final long BATCH_BYTES = 32L << 20;
  private static final int PIECE = 1 << 20;

  /// Those of the run before, if the daemon has been up since.
  private static final PutOptions REPLACE = PutOptions.NONE.replacing();

  private Producer() {}

  public static void main(String[] arguments) throws Exception {
    try (Sealbuf store = Sealbuf.connect()) {
      StringBuilder index = new StringBuilder();
      for (int number = 0; number < BATCHES; number++) {
        String name = "batches/" + number;
        System.out.printf("producer: %s sha256=%s%n", name, publish(store, name, new SplittableRandom()));
        index.append(name).append('\n');
      }
      store.put("batches", index.toString().getBytes(), REPLACE);
    }
  }

  private static String publish(Sealbuf store, String name, SplittableRandom random) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    byte[] piece = new byte[PIECE];
    try (BufferWriter writer = store.create(name, BATCH_BYTES, REPLACE)) {
      for (long at = 0; at < BATCH_BYTES; at += PIECE) {
        random.nextBytes(piece);
        digest.update(piece);
        MemorySegment.copy(MemorySegment.ofArray(piece), 0, writer.segment(), at, PIECE);
      }
      writer.seal().close();
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
