package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.LeakCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Several uids wait for room in one store, which is full: the test gives back piece by piece.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class TurnsInRoomTest {
  private static final long MIB = 1 << 20;
  private static final int PIECES = 64;
  private static final long LONG = 3_600_000;

  private final Parts parts = new Parts(StoreConfig.CAPACITY_MIN + PIECES * 2 * MIB);
  private final Room room = new Room(parts.account, parts.memory.slabs(), parts.loop, 64 << 20);
  private final List<Account.Charge> pieces = new ArrayList<>();

  @BeforeEach
  void fill() throws Refusal {
    for (int i = 0; i < PIECES; i++) {
      pieces.add(parts.account.charge(Account.Kind.UNFINISHED, 2 * MIB));
    }
  }

  @AfterEach
  void close() {
    room.endAll();
    parts.close();
  }

  private CompletableFuture<Long> await(int uid, long nbytes) {
    return room.await(new Peer(uid, uid), nbytes, LONG).toCompletableFuture();
  }

  private void give(int count) {
    for (int i = 0; i < count; i++) {
      pieces.removeLast().close();
    }
    parts.loop.pass(0);
  }

  /// Whoever was told takes it.
  private void take() throws Refusal {
    pieces.add(parts.account.charge(Account.Kind.UNFINISHED, 2 * MIB));
  }

  @Test
  void nobodyWaitsBehindAnotherUidsRequestThatCannotBeMet() {
    CompletableFuture<Long> large = await(1, 8 * MIB);
    CompletableFuture<Long> small = await(2, 2 * MIB);
    give(1);
    assertThat(small).isCompletedWithValue(2 * MIB);
    assertThat(large).isNotDone();
  }

  @Test
  void uidsTakeTurnsAndWithinOneItIsFirstComeFirstServed() throws Refusal {
    List<CompletableFuture<Long>> ones = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ones.add(await(1, 2 * MIB));
    }
    CompletableFuture<Long> other = await(2, 2 * MIB);
    give(1);
    take();
    assertThat(ones.getFirst()).isDone();
    give(1);
    take();
    assertThat(other).isDone();
    assertThat(ones.get(1)).isNotDone();
    give(1);
    assertThat(ones.get(1)).isDone();
    assertThat(ones.get(2)).isNotDone();
  }

  @Test
  void whoWasPassedOverOftenEnoughIsWaitedFor() throws Refusal {
    CompletableFuture<Long> large = await(1, 6 * MIB);
    passOver(Room.PASSES);
    CompletableFuture<Long> small = await(2, 2 * MIB);
    give(1);
    give(1);
    assertThat(large).isNotDone();
    assertThat(small).isNotDone();
    give(1);
    assertThat(large).isDone();
    assertThat(small).isNotDone();
    take();
    take();
    take();
    give(1);
    assertThat(small).isDone();
  }

  @Test
  void whoCannotBeMetIsWaitedForForSomeLooksAndNotForEver() throws Refusal {
    CompletableFuture<Long> large = await(1, 6 * MIB);
    passOver(Room.PASSES);
    CompletableFuture<Long> small = await(2, 2 * MIB);
    give(1);
    for (int look = 1; look < Room.TURN_LOOKS; look++) {
      parts.loop.pass(Room.LOOK_MILLIS);
      assertThat(small).isNotDone();
    }
    parts.loop.pass(Room.LOOK_MILLIS);
    assertThat(small).isDone();
    take();
    passOver(Room.PASSES - 1);
    assertThat(large).isNotDone();
    give(3);
    assertThat(large).isDone();
  }

  private void passOver(int times) throws Refusal {
    for (int i = 0; i < times; i++) {
      CompletableFuture<Long> small = await(2, 2 * MIB);
      give(1);
      assertThat(small).isDone();
      take();
    }
  }

  /// What the control group has left changes without a task of the loop.
  @Test
  void roomThatNobodyTellsOfIsNoticedByALook() {
    CompletableFuture<Long> waiting = await(1, 2 * MIB);
    Runnable untold = () -> {};
    parts.account.whenChanged(untold);
    give(1);
    assertThat(waiting).isNotDone();
    parts.loop.pass(Room.LOOK_MILLIS);
    assertThat(waiting).isDone();
  }

  @Test
  void whoseTimeHasPassedLeavesTheLine() {
    CompletableFuture<Long> large = room.await(new Peer(1, 1), 6 * MIB, 100).toCompletableFuture();
    CompletableFuture<Long> second = await(1, 2 * MIB);
    assertThat(room.waiting()).isEqualTo(2);
    give(1);
    assertThat(second).isNotDone();
    parts.loop.pass(100);
    assertThat(large).isCompletedExceptionally();
    assertThat(second).isDone();
    assertThat(room.waiting()).isZero();
  }
}
