package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Mapping;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A store that makes no call gives back what nobody looks at. No garbage collection is asked for
/// but where something was forgotten.
@Tag("daemon")
@Timeout(60)
@ExtendWith(Unprivileged.class)
class IdleReaderTest {
  private static final int NBYTES = 100_000;
  private static final int COUNT = 200;
  private static final long PAUSE = 10_000_000;

  @Test
  void aSleepingReaderKeepsOnlyWhatItHasOpen() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf writer = daemon.connect();
        Sealbuf reader = daemon.connect()) {
      int connected = Mapping.live();
      fill(writer);
      reader.list("").forEach(info -> reader.get(info.name()).close());
      int cached = Mapping.live() - connected;
      assertThat(cached).as("slabs of 2 MiB").isGreaterThanOrEqualTo(COUNT * NBYTES / (2 << 20));

      SealedBuffer open = reader.get("idle/7");
      deleteAll(writer);
      awaitMapped(connected + 1); // the reader sleeps from here on
      assertThat(open.toByteArray()).isEqualTo(Content.of("idle/7", NBYTES));
      open.close();
      awaitMapped(connected);
      while (writer.stats().slabs() > 1) { // the test's timeout is the deadline
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void aBufferThatNobodyClosedIsGivenBackWithTheGarbage() {
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf writer = daemon.connect();
        Sealbuf reader = daemon.connect()) {
      int connected = Mapping.live();
      fill(writer);
      reader.list("").forEach(info -> forget(reader, info.name()));
      deleteAll(writer);
      while (Mapping.live() > connected) { // the test's timeout is the deadline
        System.gc();
        LockSupport.parkNanos(PAUSE);
      }
    }
  }

  /// Opens a buffer twice and closes it once.
  private static void forget(Sealbuf reader, String name) {
    reader.get(name).close();
    assertThat(reader.get(name).nbytes()).isEqualTo(NBYTES);
  }

  @Test
  void aDaemonsDeathIsNoticedToo() {
    int before = Mapping.live();
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf store = daemon.connect()) {
      fill(store);
      store.list("").forEach(info -> store.get(info.name()).close());
      try (SealedBuffer open = store.get("idle/7")) {
        daemon.kill();
        awaitMapped(before + 1);
        assertThat(open.toByteArray()).isEqualTo(Content.of("idle/7", NBYTES));
      }
      awaitMapped(before);
    }
  }

  @Test
  void oneThreadLooksAfterAllStoresAndGoesWithTheLast() {
    awaitReapers(0);
    try (DaemonProcess daemon = DaemonProcess.start();
        Sealbuf _ = daemon.connect();
        Sealbuf _ = daemon.connect()) {
      awaitReapers(1);
    }
    awaitReapers(0);
  }

  @Test
  void aForgottenStoreIsGarbage() {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      WeakReference<Sealbuf> forgotten = new WeakReference<>(daemon.connect());
      while (!forgotten.refersTo(null)) { // the test's timeout is the deadline
        System.gc();
      }
    }
    awaitReapers(0);
  }

  @Test
  void whatAStoreUsedIsGivenBackWithIt() throws IOException {
    try (DaemonProcess daemon = DaemonProcess.start()) {
      use(daemon); // what the JVM and its libraries open once stays open
      awaitReapers(0);
      int mapped = Mapping.live();
      List<String> sockets = sockets();
      use(daemon);
      awaitReapers(0);
      awaitMapped(mapped);
      assertThat(sockets()).isEqualTo(sockets);
    }
  }

  /// A bit of everything, some of it left to the end of the store.
  private static void use(DaemonProcess daemon) {
    Sealbuf store = daemon.connect();
    store.put("used/large", Content.of("used", 1 << 20), PutOptions.NONE.replacing());
    store.put("used/small", Content.of("used", 1000), PutOptions.NONE.replacing());
    store.getMany(List.of("used/large", "used/small")).values().forEach(SealedBuffer::close);
    store.getOrCreate("used/created", () -> new byte[1]).close();
    store.take("used/created", DaemonProcess.PATIENCE).close();
    BufferWriter unsealed = store.create("used/unsealed", 1 << 20);
    Watch watch = store.watch("used/", true);
    assertThat(watch.next().kind()).isEqualTo(Event.Kind.SEALED);
    unsealed.abort();
    store.close();
  }

  private static void fill(Sealbuf store) {
    Map<String, byte[]> batch = new LinkedHashMap<>();
    for (int i = 0; i < COUNT; i++) {
      batch.put("idle/" + i, Content.of("idle/" + i, NBYTES));
      if (batch.size() == 10) {
        store.putMany(batch);
        batch.clear();
      }
    }
  }

  private static void deleteAll(Sealbuf store) {
    store.delete(store.list("").stream().map(BufferInfo::name).toArray(String[]::new));
  }

  /// Until so many mappings or fewer are left; the test's timeout is the deadline.
  private static void awaitMapped(int count) {
    while (Mapping.live() > count) {
      LockSupport.parkNanos(PAUSE);
    }
  }

  private static void awaitReapers(long count) {
    while (reapers() != count) {
      LockSupport.parkNanos(PAUSE);
    }
  }

  private static long reapers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("sealbuf-reaper"))
        .count();
  }

  /// Sockets and memory files that this process has open.
  private static List<String> sockets() throws IOException {
    List<String> open = new ArrayList<>();
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      for (Path descriptor : descriptors.sorted().toList()) {
        try {
          String target = Files.readSymbolicLink(descriptor).toString();
          if (target.startsWith("socket:") || target.startsWith("/memfd:")) {
            open.add(target);
          }
        } catch (NoSuchFileException _) {
          // That of the folder itself.
        }
      }
    }
    return open;
  }
}
