package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What another process did just before is seen by the next get, each time.
@Tag("daemon")
@Timeout(100)
@ExtendWith(Unprivileged.class)
class OtherProcessTest {
  private static final int ROUNDS = 10_000;
  private static final int NAMES = 16;
  private static final int SMALL = 100;
  private static final int LARGE = 300_000;
  private static final int LARGE_EVERY = 200;

  /// The other process: for each line `name round nbytes` it publishes or replaces, with the round
  /// as content; with 0 bytes it deletes. Then it says so.
  static final class Changer {
    private Changer() {}

    public static void main(String[] arguments) throws IOException {
      BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, UTF_8));
      try (Sealbuf store = Sealbuf.connect(Path.of(arguments[0]), DaemonProcess.PATIENCE)) {
        for (String line = orders.readLine(); line != null; line = orders.readLine()) {
          String[] order = line.split(" ", -1);
          int nbytes = Integer.parseInt(order[2]);
          if (nbytes == 0) {
            store.delete(order[0]);
          } else {
            store.put(order[0], content(order[1], nbytes), PutOptions.NONE.replacing());
          }
          System.out.println(line);
        }
      }
    }
  }

  @Test
  void deletedAndReplacedIsSeenAsSuchInEveryRound() throws Exception {
    SplittableRandom random = new SplittableRandom(7);
    Map<String, String> expected = new HashMap<>();
    int wrong = 0;
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = daemon.connect()) {
      Process changer = changer(daemon);
      try (Writer orders = changer.outputWriter(UTF_8);
          BufferedReader done = changer.inputReader(UTF_8)) {
        for (int round = 0; round < ROUNDS; round++) {
          String name = "name" + random.nextInt(NAMES);
          boolean delete = expected.containsKey(name) && random.nextBoolean();
          int nbytes = delete ? 0 : round % LARGE_EVERY == 0 ? LARGE : SMALL;
          String order = "%s %d %d".formatted(name, round, nbytes);
          orders.write(order + "\n");
          orders.flush();
          assertThat(done.readLine()).isEqualTo(order);
          if (delete) {
            expected.remove(name);
          } else {
            expected.put(name, "" + round);
          }
          wrong += seen(store, name).equals(Optional.ofNullable(expected.get(name))) ? 0 : 1;
        }
      } finally {
        changer.destroyForcibly();
      }
    }
    assertThat(wrong).as("of %d rounds, seed=7", ROUNDS).isZero();
  }

  private static Process changer(DaemonProcess daemon) throws IOException {
    return new ProcessBuilder(Jvm.command(Changer.class, daemon.socket().toString()))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /// The round in front and behind it a byte that follows from it.
  private static byte[] content(String round, int nbytes) {
    byte[] bytes = new byte[nbytes];
    Arrays.fill(bytes, (byte) round.hashCode());
    byte[] front = "%5s".formatted(round).getBytes(UTF_8);
    System.arraycopy(front, 0, bytes, 0, front.length);
    return bytes;
  }

  /// The round whose content it is, if it is whole.
  private static Optional<String> seen(Sealbuf store, String name) {
    try (SealedBuffer buffer = store.get(name)) {
      byte[] bytes = buffer.toByteArray();
      String round = new String(bytes, 0, 5, UTF_8).strip();
      assertThat(bytes).isEqualTo(content(round, bytes.length));
      return Optional.of(round);
    } catch (NotFoundException _) {
      return Optional.empty();
    }
  }
}
