package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// One store, used by many threads at once.
@Tag("daemon")
@Timeout(120)
@ExtendWith(Unprivileged.class)
class ManyThreadsTest {
  private static final int THREADS = 8;
  private static final int ROUNDS = 100;
  private static final int MANY_ROUNDS = 10_000;
  private static final int LARGE = 300_000;
  private static final PutOptions REPLACING = PutOptions.NONE.replacing();

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

  @Test
  void tenThousandPutsAndGetsAThreadLeaveTheDescriptorsAsTheyWere() throws Exception {
    try (Sealbuf store = DaemonProcess.shared().connect();
        ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      store.put("threads/warm", new byte[LARGE]);
      store.get("threads/warm").close();
      Set<String> before = descriptors();
      List<Future<?>> all = new ArrayList<>();
      for (int thread = 0; thread < THREADS; thread++) {
        int number = thread;
        all.add(threads.submit(() -> putsAndGets(store, "threads/many/" + number)));
      }
      for (Future<?> one : all) {
        one.get();
      }
      store.put("threads/warm", new byte[LARGE + 1], REPLACING); // gives back the spare, if any
      assertThat(descriptors()).isEqualTo(before);
      assertThat(store.list("threads/many/")).hasSize(THREADS);
    }
  }

  private static void putsAndGets(Sealbuf store, String name) {
    byte[] small = new byte[Integer.BYTES];
    byte[] large = new byte[LARGE];
    for (int round = 0; round < MANY_ROUNDS; round++) {
      byte[] data = round % 100 == 0 ? large : small;
      ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).putInt(0, round);
      store.put(name, data, REPLACING);
      try (SealedBuffer buffer = store.get(name)) {
        assertThat(buffer.byteBuffer().getInt()).isEqualTo(round);
      }
    }
  }

  /// Those of sockets and memory, by number and what they are.
  private static Set<String> descriptors() throws IOException {
    Set<String> open = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path entry : entries) {
        String target = Files.readSymbolicLink(entry).toString();
        if (target.contains(":")) {
          open.add(entry.getFileName() + " " + target);
        }
      }
    }
    return open;
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
