package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A get that starts after a delete was acknowledged never returns what was deleted, one that
/// starts after a put was acknowledged finds it or something newer, and what it returns is whole.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class NeverStaleTest {
  private static final int ROUNDS = 800;
  private static final int READERS = 3;
  private static final int NBYTES = 400;
  private static final String NAME = "never-stale";

  /// The round whose put was acknowledged last, whose delete was begun last, and acknowledged last.
  private final AtomicInteger put = new AtomicInteger();

  private final AtomicInteger deleting = new AtomicInteger();
  private final AtomicInteger deleted = new AtomicInteger();
  private final AtomicInteger found = new AtomicInteger();

  @Test
  void aGetReturnsNothingThatWasDeletedBeforeItBegan() throws Exception {
    try (Sealbuf writer = DaemonProcess.shared().connect();
        ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      List<Future<?>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        readers.add(threads.submit(this::read));
      }
      for (int round = 1; round <= ROUNDS; round++) {
        writer.put(NAME, content(round));
        put.set(round);
        deleting.set(round);
        writer.delete(NAME);
        deleted.set(round);
      }
      for (Future<?> reader : readers) {
        reader.get();
      }
    }
    assertThat(found.get()).as("the readers met the writer").isPositive();
  }

  private void read() {
    try (Sealbuf store = DaemonProcess.shared().connect()) {
      while (deleted.get() < ROUNDS) {
        int gone = deleted.get();
        int there = put.get();
        int round = readOnce(store);
        if (round > 0) {
          found.incrementAndGet();
          assertThat(round).isGreaterThan(gone);
        } else if (there > gone) {
          assertThat(deleting.get()).as("absent, so being deleted").isGreaterThanOrEqualTo(there);
        }
      }
    }
  }

  /// The round that the buffer shows; 0 if there is none.
  private static int readOnce(Sealbuf store) {
    try (SealedBuffer buffer = store.get(NAME)) {
      byte[] bytes = buffer.toByteArray();
      int round = ByteBuffer.wrap(bytes).getShort();
      assertThat(bytes).isEqualTo(content(round));
      return round;
    } catch (NotFoundException _) {
      return 0;
    }
  }

  private static byte[] content(int round) {
    ByteBuffer bytes = ByteBuffer.allocate(NBYTES);
    while (bytes.hasRemaining()) {
      bytes.putShort((short) round);
    }
    return bytes.array();
  }
}
