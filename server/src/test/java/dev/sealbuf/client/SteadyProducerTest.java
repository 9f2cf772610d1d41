package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A producer that goes on has its next segment at hand; if it does not, that goes back.
@Tag("daemon")
@Timeout(120)
@ExtendWith(Unprivileged.class)
class SteadyProducerTest {
  /// Written by pwrite, and through a mapping.
  private static final int SIZE = 300_000;

  private static final int OTHER_SIZE = 3 << 20;
  private static final List<Integer> SIZES = List.of(SIZE, OTHER_SIZE);
  private static final int CAPACITY = 96 << 20;
  private static final long PAUSE = 1_000_000;
  private static final PutOptions REPLACING = PutOptions.NONE.replacing();

  private DaemonProcess daemon;
  private Sealbuf store;

  @BeforeEach
  void connect() {
    daemon = DaemonProcess.start("--capacity", "" + CAPACITY);
    store = daemon.connect();
  }

  @AfterEach
  void close() {
    store.close();
    daemon.close();
  }

  @Test
  void whatIsPutIntoASpareIsLikeAnyOtherBuffer() {
    PutOptions options =
        PutOptions.NONE.withMetadata(new byte[] {1, 2}).withTtl(Duration.ofMinutes(5));
    for (int size : SIZES) {
      byte[] content = Content.of("next", size);
      putUntilSpare(size);
      BufferInfo made = store.put("next", content, options);
      try (Sealbuf other = daemon.connect();
          SealedBuffer found = other.get("next")) {
        assertThat(found.info()).isEqualTo(made);
        assertThat(found.toByteArray()).isEqualTo(content);
        assertThat(found.metadata()).containsExactly(1, 2);
      }
      store.delete("next", "steady");
    }
  }

  @Test
  void aNameThatIsTakenIsRefusedAndCostsNothing() {
    for (int size : SIZES) {
      putUntilSpare(size);
      long used = store.stats().used();
      assertThatThrownBy(() -> store.put("steady", new byte[size]))
          .isInstanceOf(AlreadyExistsException.class);
      try (SealedBuffer found = store.get("steady")) {
        assertThat(found.toByteArray()).isEqualTo(Content.of("steady", size));
      }
      await(() -> store.stats().used() == used);
      assertThat(store.stats().unfinished()).isZero();
      putUntilSpare(size);
      store.delete("steady");
    }
  }

  @Test
  void aStoreThatIsFullIsRefusedAndCostsNothing() {
    putUntilSpare(SIZE);
    long used = store.stats().used();
    assertThatThrownBy(() -> store.put("full", new byte[CAPACITY]))
        .isInstanceOf(StoreFullException.class);
    assertThat(spareIsKept()).isFalse();
    await(() -> store.stats().used() == used);
    putUntilSpare(SIZE);
  }

  @Test
  void anotherSizeGivesTheSpareBackForOneOfThatSize() {
    byte[] content = Content.of("other", OTHER_SIZE);
    putUntilSpare(SIZE);
    store.put("other", content);
    assertThat(spareIsKept()).isFalse();
    try (SealedBuffer found = store.get("other")) {
      assertThat(found.toByteArray()).isEqualTo(content);
    }
    putUntilSpare(OTHER_SIZE); // a session has one at most
  }

  @Test
  void aSpareThatIsNotUsedGoesBackThoughNobodyCalls() {
    try (Sealbuf other = daemon.connect()) {
      putUntilSpare(SIZE);
      long open = memoryFiles();
      await(() -> memoryFiles() == open - 2);
      assertThat(spareIsKept()).isFalse();
      await(() -> other.stats().prepared() == 0);
    }
  }

  @Test
  void closingTheStoreLeavesNothing() {
    long open = memoryFiles();
    try (Sealbuf other = daemon.connect()) {
      try (Sealbuf producer = daemon.connect()) {
        putUntilSpare(producer, SIZE);
        assertThat(memoryFiles()).isEqualTo(open + 2);
      }
      assertThat(memoryFiles()).isEqualTo(open);
      await(() -> other.stats().prepared() == 0);
      assertThat(other.stats().unfinished()).isZero();
    }
  }

  @Test
  void aSpareEndsWithItsDaemonAndTheNextOneIsPutTo() {
    long open = memoryFiles();
    putUntilSpare(SIZE);
    daemon.kill();
    try (DaemonProcess next = DaemonProcess.startAt(daemon.socket())) {
      store.put("next", Content.of("next", SIZE));
      assertThat(memoryFiles()).isEqualTo(open);
      try (Sealbuf other = next.connect();
          SealedBuffer found = other.get("next")) {
        assertThat(found.toByteArray()).isEqualTo(Content.of("next", SIZE));
      }
    }
  }

  private boolean spareIsKept() {
    return spareIsKept(store);
  }

  private static boolean spareIsKept(Sealbuf producer) {
    return producer.session().connection().spares().isKept();
  }

  private void putUntilSpare(int size) {
    putUntilSpare(store, size);
  }

  /// Puts one size until a publication brings a segment along.
  private static void putUntilSpare(Sealbuf producer, int size) {
    byte[] content = Content.of("steady", size);
    await(() -> {
      producer.put("steady", content, REPLACING);
      return spareIsKept(producer);
    });
  }

  /// The test's timeout is the deadline.
  private static void await(BooleanSupplier reached) {
    while (!reached.getAsBoolean()) {
      LockSupport.parkNanos(PAUSE);
    }
  }

  /// Descriptors of memory files that this process has open.
  private static long memoryFiles() {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.filter(SteadyProducerTest::isMemoryFile).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isMemoryFile(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor).toString().startsWith("/memfd:");
    } catch (NoSuchFileException _) {
      return false; // that of the folder itself
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
