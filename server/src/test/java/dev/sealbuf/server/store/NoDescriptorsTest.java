package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A process without free descriptors: requests are refused, nothing is left behind, and the next
/// one after the shortage succeeds. With 0, 1, 2, ... left, each step in turn is the one that
/// fails.
@ExtendWith(LeakCheck.class)
class NoDescriptorsTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final int RLIMIT_NOFILE = 7;

  /// The first look at what was closed is over by then, and its classes are loaded.
  private static final int LATER_MILLIS = 150;

  private TestStore store;
  private Publication there;

  @BeforeEach
  void open() throws Refusal, InterruptedException {
    store = new TestStore();
    there = store.publish(PRODUCER, "there", new byte[] {1});
    loadClasses();
  }

  /// Class files are opened too: what a shortage needs is loaded before it.
  private void loadClasses() throws Refusal, InterruptedException {
    long open = TestStore.openDescriptors();
    withDescriptorsLeft(100, () -> createAndAbort(1 << 16));
    withDescriptorsLeft(100, this::openIt);
    openHeld(hold());
    store.await(_ -> TestStore.openDescriptors() <= open); // workers close what is left
    assertThatThrownBy(() -> Memfd.create("n".repeat(300))).isInstanceOf(PosixException.class);
    isShortage(Refusal.shortage(new IOException("EMFILE (24)")));
    Thread.sleep(LATER_MILLIS);
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void createNeedsThree() throws Refusal {
    long used = store.statistics().used();
    List<Refusal> refusals = new ArrayList<>();
    for (int left = 0; left < 3; left++) {
      long fresh = 4096L << left; // no size is asked for twice, or it may be at hand
      refusals.addAll(withDescriptorsLeft(left, () -> createAndAbort(fresh)));
      assertThat(store.statistics().used()).isEqualTo(used);
      assertThat(store.statistics().unfinished()).isZero();
    }

    assertThat(refusals).hasSize(3).allSatisfy(NoDescriptorsTest::isShortage);
    assertThat(withDescriptorsLeft(3, () -> createAndAbort(4096L << 3))).isEmpty();
  }

  @Test
  void createOfWhatIsAtHandNeedsTwo() throws Refusal {
    long used = store.statistics().used();
    for (int i = 0; i < 2; i++) {
      createAndAbort(1 << 20);
    }
    store.await(figures -> figures.preparedBytes() >= 2 << 20);
    assertThat(withDescriptorsLeft(1, () -> createAndAbort(1 << 20)))
        .singleElement()
        .satisfies(NoDescriptorsTest::isShortage);
    assertThat(store.statistics().used()).isEqualTo(used);
    store.await(figures -> figures.preparedBytes() >= 2 << 20);
    assertThat(withDescriptorsLeft(2, () -> createAndAbort(1 << 20))).isEmpty();
  }

  @Test
  void openOfADedicatedSegmentNeedsTwo() throws Refusal {
    assertThat(withDescriptorsLeft(0, this::openIt))
        .singleElement()
        .satisfies(NoDescriptorsTest::isShortage);
    assertThat(withDescriptorsLeft(1, this::openIt))
        .singleElement()
        .satisfies(NoDescriptorsTest::isShortage);
    assertThat(withDescriptorsLeft(2, this::openIt)).isEmpty();
  }

  @Test
  void aHoldOfADedicatedSegmentNeedsTwo() throws Refusal {
    for (int left = 0; left < 2; left++) {
      assertThat(withDescriptorsLeft(left, this::hold))
          .singleElement()
          .satisfies(NoDescriptorsTest::isShortage);
    }
    assertThat(withDescriptorsLeft(2, this::hold)).isEmpty();
  }

  @Test
  void aHoldIsNotUsedUpByAnOpeningThatFailed() throws Refusal {
    long hold = hold();
    store.delete(PRODUCER, "there");
    for (int left = 0; left < 2; left++) {
      assertThat(withDescriptorsLeft(left, () -> openHeld(hold)))
          .singleElement()
          .satisfies(NoDescriptorsTest::isShortage);
    }
    assertThat(withDescriptorsLeft(2, () -> openHeld(hold))).isEmpty();
  }

  private long hold() throws Refusal {
    return store.on(each -> each.hold(PRODUCER, "there", there.buffer()));
  }

  private void openHeld(long hold) throws Refusal {
    OptionalLong none = OptionalLong.empty();
    Opening opening =
        store.on(each -> {
          Opening found = each.openHeld(TestStore.READER, "there", there.buffer(), hold, none);
          found.commit().run();
          return found;
        });
    TestStore.close(opening.location().descriptors());
  }

  @Test
  void aRefusedSealCanBeRepeated() throws Refusal {
    Loan loan = store.create(PRODUCER, "a", 1);
    TestStore.close(loan.descriptors());

    assertThat(withDescriptorsLeft(0, () -> store.seal(PRODUCER, loan)))
        .singleElement()
        .satisfies(NoDescriptorsTest::isShortage);
    assertThat(store.statistics().unfinished()).isEqualTo(1);
    store.seal(PRODUCER, loan);
  }

  @Test
  void aSlabThatCannotBeMadeLeavesTheOldOneOpen() throws Refusal {
    byte[] payload = new byte[262_144];
    for (int i = 0; i < 7; i++) {
      store.put(PRODUCER, "n" + i, payload);
    }
    long used = store.statistics().used();

    assertThat(withDescriptorsLeft(0, () -> store.put(PRODUCER, "n7", payload)))
        .singleElement()
        .satisfies(NoDescriptorsTest::isShortage);
    assertThat(store.statistics().used()).isEqualTo(used);
    assertThat(store.put(PRODUCER, "small", "x").slab()).isEqualTo(2);
    assertThat(store.put(PRODUCER, "n7", payload).slab()).isEqualTo(3);
  }

  private void createAndAbort(long nbytes) throws Refusal {
    Loan loan = store.create(PRODUCER, "a", nbytes);
    TestStore.close(loan.descriptors());
    store.abort(PRODUCER, loan.buffer());
  }

  private void openIt() throws Refusal {
    Location location = store.openBuffer(TestStore.READER, "there", OptionalLong.empty());
    TestStore.close(location.descriptors());
  }

  private static void isShortage(Refusal refusal) {
    assertThat(refusal.code()).isEqualTo(ErrorCode.STORE_FULL);
    assertThat(refusal)
        .message()
        .startsWith("the kernel gives no more: cause=")
        .endsWith("EMFILE (24)");
  }

  private interface Request {
    void make() throws Refusal;
  }

  /// What a request is refused with while this process can open so many descriptors more.
  private static List<Refusal> withDescriptorsLeft(int left, Request request) {
    long before = openFiles(limitFor(left));
    try {
      request.make();
      return List.of();
    } catch (Refusal e) {
      return List.of(e);
    } finally {
      openFiles(before);
    }
  }

  /// Descriptors get the lowest number that is free and below the limit.
  private static long limitFor(int left) {
    String[] entries = Objects.requireNonNull(new File("/proc/self/fd").list());
    Set<Long> open = Arrays.stream(entries).map(Long::valueOf).collect(Collectors.toSet());
    open.removeIf(number -> !new File("/proc/self/fd/" + number).exists());
    return LongStream.iterate(0, number -> number + 1)
        .filter(number -> !open.contains(number))
        .skip(left)
        .findFirst()
        .orElseThrow();
  }

  /// Sets the soft limit and returns the old one.
  private static long openFiles(long soft) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment limits = arena.allocate(ValueLayout.JAVA_LONG, 2);
      assertThat(Libc.call("getrlimit", RLIMIT_NOFILE, limits.address())).isZero();
      long before = limits.getAtIndex(ValueLayout.JAVA_LONG, 0);
      limits.setAtIndex(ValueLayout.JAVA_LONG, 0, soft);
      assertThat(Libc.call("setrlimit", RLIMIT_NOFILE, limits.address())).isZero();
      return before;
    }
  }
}
