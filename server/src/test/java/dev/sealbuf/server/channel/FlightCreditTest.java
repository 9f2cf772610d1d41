package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Descriptors;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
final class FlightCreditTest {
  private static final int UID = 20003;
  private static final int DESCRIPTORS = 80;

  private final ScheduledExecutorService loop = Executors.newSingleThreadScheduledExecutor();
  private final FlightCredit credit = new FlightCredit(DESCRIPTORS, loop);
  private int[] pair = {};
  private FlightCredit.Share share = credit.share(UID, Fd.borrow(0));

  @BeforeEach
  void connect() {
    pair = Libc.socketPair();
    share = credit.share(UID, Fd.borrow(pair[0]));
  }

  @AfterEach
  void disconnect() {
    loop.shutdownNow();
    credit.close();
    for (int fd : pair) {
      Libc.call("close", fd);
    }
  }

  private void send() throws IOException {
    try (Fd file = Memfd.create("credit")) {
      ByteBuffer byteToCarryIt = ByteBuffer.allocateDirect(1);
      assertThat(Descriptors.send(Fd.borrow(pair[0]), byteToCarryIt, List.of(file))).isOne();
    }
    share.sent(1);
  }

  @Test
  void endsAtSixteenThatArePendingAndComesBackWhenThePeerHasRead() throws IOException {
    for (int i = 0; i < FlightCredit.SESSION_MAX; i++) {
      assertThat(share.admits(1)).isTrue();
      send();
    }
    assertThat(share.admits(1)).isFalse();
    assertThat(credit.ofUid(UID)).isEqualTo(FlightCredit.SESSION_MAX);

    drain();

    assertThat(share.admits(1)).isTrue();
    assertThat(credit.ofUid(UID)).isZero();
  }

  @Tag("shows-20")
  @Test
  void ofOneUidEndsAtAQuarterOfTheLimitAndOthersKeepTheirs() throws IOException {
    send();
    FlightCredit.Share another = credit.share(UID, Fd.borrow(pair[0]));
    another.sent(DESCRIPTORS / 4 - 2);

    assertThat(share.admits(1)).isTrue();
    assertThat(share.admits(2)).isFalse();
    assertThat(credit.share(UID + 1, Fd.borrow(pair[0])).admits(2)).isTrue();

    drain();
    another.end();
    assertThat(share.admits(2)).isTrue();
  }

  @Tag("shows-20")
  @Test
  void whatIsInFlightAtTheEndOfASessionStaysChargedUntilItIsRead() throws Exception {
    var read = new CountDownLatch(1);
    Callable<Integer> end =
        () -> {
          share.end();
          share.onceRead(read::countDown);
          return credit.ofUid(UID);
        };
    send();

    assertThat(loop.submit(end).get()).isOne();
    assertThat(read.getCount()).isOne();

    drain();
    read.await();
    assertThat(loop.submit(() -> credit.ofUid(UID)).get()).isZero();
  }

  @Test
  void aSessionThatEndsWithNothingInFlightLeavesNothing() throws IOException {
    send();
    drain();
    var read = new CountDownLatch(1);

    share.end();
    share.onceRead(read::countDown);

    assertThat(read.getCount()).isZero();
    assertThat(credit.ofUid(UID)).isZero();
  }

  @Test
  void whoHasReadStandsInNobodysWay() throws IOException {
    for (int i = 0; i < DESCRIPTORS / 4; i++) {
      credit.share(UID, Fd.borrow(pair[0])).sent(1);
    }
    assertThat(credit.ofUid(UID)).isEqualTo(DESCRIPTORS / 4);

    int[] other = Libc.socketPair();
    try (Fd _ = Fd.adopt(other[0]);
        Fd _ = Fd.adopt(other[1])) {
      assertThat(credit.share(UID, Fd.borrow(other[0])).admits(2)).isTrue();
      assertThat(credit.ofUid(UID)).isLessThan(DESCRIPTORS / 4 - 2);
    }
  }

  /// Reads all there is; the kernel closes descriptors for which there is no room.
  private void drain() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(1);
      while (Descriptors.unread(Fd.borrow(pair[0])) > 0) {
        assertThat(Libc.call("read", pair[1], bytes.address(), 1)).isOne();
      }
    }
  }
}
