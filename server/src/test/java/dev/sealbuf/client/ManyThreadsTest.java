package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// One store, used by many threads at once.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class ManyThreadsTest {
  private static final int THREADS = 8;
  private static final int ROUNDS = 100;

  @Test
  void everyThreadReadsWhatItWroteWhateverTheOthersDo() throws Exception {
    try (Sealbuf store = DaemonProcess.shared().connect();
        ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Future<?>> all = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        int number = thread;
        all.add(threads.submit(() -> rounds(store, "threads/" + number)));
      }
      for (Future<?> one : all) {
        one.get();
      }
      assertThat(store.list("threads/")).isEmpty();
    }
  }

  private static void rounds(Sealbuf store, String name) {
    for (int round = 0; round < ROUNDS; round++) {
      byte[] content = Content.of(name + round, 1 + round * 10);
      if (round % 5 == 0) {
        try (BufferWriter writer = store.create(name, content.length)) {
          writer.byteBuffer().put(content);
          writer.seal().close();
        }
      } else {
        store.put(name, content);
      }
      try (SealedBuffer buffer = store.get(name)) {
        assertThat(buffer.toByteArray()).isEqualTo(content);
      }
      store.delete(name);
      assertThat(store.contains(name)).isFalse();
    }
  }
}
