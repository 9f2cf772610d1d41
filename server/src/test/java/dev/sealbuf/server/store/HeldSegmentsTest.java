package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.server.segment.Workers;
import dev.sealbuf.server.store.Account.Kind;
import dev.sealbuf.server.watch.Watch;
import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What the account says of memory that nothing leads to any more, by each gauge alone and by both.
/// The test is the loop.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class HeldSegmentsTest {
  private static final long BYTES = 1 << 20;
  private static final int O_PATH = 0x200000;
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final String EACH_GAUGE = "true, true\ntrue, false\nfalse, true";

  private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
  private final Quota quota = new Quota(Quota.Limits.NONE);
  private final Account account = new Account(4 * BYTES, 8, Headroom.unlimited());
  private final Workers workers = new Workers(tasks::add);
  private final List<Long> gone = new ArrayList<>();
  private Watch watch;
  private HeldSegments held;
  private long lastNumber;

  @BeforeEach
  void start() throws IOException {
    watch = Watch.start(tasks::add);
    held = new HeldSegments(account, quota, workers, watch, new Gauges(true, true), Clock.system());
  }

  @AfterEach
  void stop() {
    held.close();
    workers.close();
    watch.close();
  }

  private void use(boolean lease, boolean inotify) {
    held =
        new HeldSegments(
            account, quota, workers, watch, new Gauges(lease, inotify), Clock.system());
    held.onGone(gone::add);
  }

  private DedicatedSegment segment() throws IOException {
    return DedicatedSegment.prepare(++lastNumber, BYTES);
  }

  private void letGo(DedicatedSegment segment) throws Refusal {
    held.letGo(segment, account.charge(Kind.DEDICATED, BYTES), "name");
  }

  /// Lets the loop turn until this many bytes are charged and nothing that is on its way changes
  /// that.
  private void awaitUsed(long bytes) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (account.used() != bytes && System.nanoTime() < deadline) {
      turn(10);
    }
    turn(300);
    assertThat(account.used()).isEqualTo(bytes);
    assertThat(account.bytes(Kind.HELD)).isEqualTo(bytes);
  }

  private void turn(long millis) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (long left = millis; left > 0; left = (deadline - System.nanoTime()) / 1_000_000) {
      Runnable task = tasks.poll(left, TimeUnit.MILLISECONDS);
      if (task != null) {
        task.run();
      }
    }
  }

  @ParameterizedTest
  @CsvSource(textBlock = EACH_GAUGE + "\nfalse, false")
  void whatNobodyHoldsIsGivenBackBehindTheTurn(boolean lease, boolean inotify) throws Exception {
    use(lease, inotify);
    letGo(segment());
    tasks.remove().run();
    assertThat(account.used()).isZero();
    awaitUsed(0);
    assertThat(gone).containsExactly(SegmentKey.of(SegmentKind.DEDICATED, 1));
    assertThat(held.all()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(textBlock = EACH_GAUGE)
  void whatIsOpenOrMappedIsHeldUntilItIsNot(boolean lease, boolean inotify) throws Exception {
    use(lease, inotify);
    DedicatedSegment segment = segment();
    Fd reader = segment.freshReadOnly();
    letGo(segment);
    awaitUsed(BYTES);
    assertThat(account.segments(Kind.HELD)).isEqualTo(1);
    assertThat(held.all()).singleElement().matches(HeldSegment::isHeld);
    assertThat(gone).isEmpty();
    try (Mapping _ = Mapping.readOnly(reader, BYTES)) {
      reader.close();
      awaitUsed(BYTES);
    }
    awaitUsed(0);
    assertThat(gone).hasSize(1);
  }

  /// The negative control: with no gauge at all held memory is not noticed.
  @Test
  void withoutGaugesNothingIsKnownToBeHeld() throws Exception {
    use(false, false);
    DedicatedSegment segment = segment();
    try (Fd _ = segment.freshReadOnly()) {
      letGo(segment);
      awaitUsed(0);
    }
  }

  @Test
  void aPathDescriptorIsChargedThoughNoLeaseSeesItAndThoughThereIsNoRoom() throws Exception {
    use(true, true);
    DedicatedSegment segment = segment();
    try (Fd _ = pathDescriptor(segment)) {
      letGo(segment);
      Account.Charge rest = account.charge(Kind.DEDICATED, 4 * BYTES);
      turn(1000);
      assertThat(account.used()).isEqualTo(5 * BYTES);
      Refused.with(
          ErrorCode.STORE_FULL,
          "no room below the capacity: requested=1 used=5242880 capacity=4194304",
          () -> account.charge(Kind.DEDICATED, 1));
      rest.close();
      awaitUsed(BYTES);
    }
    awaitUsed(0);
  }

  private static Fd pathDescriptor(DedicatedSegment segment) {
    try (Arena arena = Arena.ofConfined()) {
      String path = "/proc/self/fd/" + segment.description().number();
      return Fd.adopt((int) Libc.call("open", arena.allocateFrom(path).address(), O_PATH));
    }
  }

  @ParameterizedTest
  @CsvSource(textBlock = EACH_GAUGE)
  void whatAnotherProcessMapsIsHeldUntilItIsKilled(boolean lease, boolean inotify)
      throws Exception {
    use(lease, inotify);
    DedicatedSegment segment = segment();
    String path =
        "/proc/%d/fd/%d".formatted(ProcessHandle.current().pid(), segment.description().number());
    try (ChildJvm child = ChildJvm.start(Reader.class, path)) {
      assertThat(child.readLine()).isEqualTo("mapped");
      letGo(segment);
      awaitUsed(BYTES);
      child.kill();
      long killed = System.nanoTime();
      awaitUsed(0);
      assertThat(System.nanoTime() - killed).isLessThan(Duration.ofSeconds(2).toNanos());
    }
  }

  /// Maps a file and keeps it mapped.
  static final class Reader {
    private Reader() {}

    public static void main(String[] arguments) throws IOException {
      MappedByteBuffer mapping;
      try (FileChannel channel = FileChannel.open(Path.of(arguments[0]))) {
        mapping = channel.map(MapMode.READ_ONLY, 0, channel.size());
      }
      IO.println("mapped");
      int _ = System.in.read();
      IO.println("read " + mapping.get(0));
    }
  }

  /// A held segment costs no descriptor of the daemon.
  @Test
  void heldSegmentsLeaveTheirPlaceToOthers() throws Exception {
    use(true, true);
    List<Fd> readers = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      DedicatedSegment segment = DedicatedSegment.prepare(++lastNumber, 4096);
      readers.add(segment.freshReadOnly());
      held.letGo(segment, account.charge(Kind.DEDICATED, 4096), "");
      turn(50);
    }
    awaitUsed(16 * 4096);
    readers.forEach(Fd::close);
    awaitUsed(0);
    assertThat(gone).hasSize(16).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @CsvSource(textBlock = EACH_GAUGE)
  void theEndOfTheStoreDoesNotWaitForReaders(boolean lease, boolean inotify) throws Exception {
    use(lease, inotify);
    DedicatedSegment segment = segment();
    try (Fd reader = segment.freshReadOnly();
        Mapping mapping = Mapping.readOnly(reader, BYTES)) {
      letGo(segment);
      turn(50);
      held.close();
      workers.close();
      assertThat(mapping.segment().byteSize()).isEqualTo(BYTES);
    }
  }
}
