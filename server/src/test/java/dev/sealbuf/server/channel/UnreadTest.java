package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

final class UnreadTest {
  private static final int KIB = 1024;

  private final HeapBudget budget = new HeapBudget(4 << 20, Runnable::run);
  private final HeapBudget.Share share = budget.share(1, () -> {});
  private final Unread unread = new Unread(share);

  @Test
  void whatIsReadInItsTurnCostsNothing() {
    unread.borrow(bytes(16 * KIB));
    unread.bytes().position(16 * KIB);
    assertThat(unread.settle()).isTrue();
    assertThat(unread.isEmpty()).isTrue();
    assertThat(budget.taken()).isZero();
  }

  @Test
  void whatOutlastsItsTurnIsACopyThatIsCounted() {
    ByteBuffer borrowed = bytes(16 * KIB);
    unread.borrow(borrowed);
    unread.bytes().position(KIB);
    assertThat(unread.settle()).isTrue();
    borrowed.put(KIB, (byte) 99);
    assertThat(unread.bytes().get(0)).isEqualTo((byte) KIB);
    assertThat(budget.taken()).isEqualTo(15 * KIB);
  }

  @Test
  void settlingWhatHasNotMovedChangesNothing() {
    unread.borrow(bytes(8 * KIB));
    unread.settle();
    ByteBuffer own = unread.bytes();
    assertThat(unread.settle()).isTrue();
    assertThat(unread.bytes()).isSameAs(own);
  }

  @Test
  void moreBytesComeBehindTheOldOnes() {
    unread.borrow(bytes(2 * KIB));
    unread.settle();
    unread.borrow(bytes(3 * KIB));
    assertThat(unread.settle()).isTrue();
    assertThat(unread.bytes().remaining()).isEqualTo(5 * KIB);
    assertThat(unread.bytes().get(2 * KIB)).isZero();
    assertThat(budget.taken()).isEqualTo(5 * KIB);
  }

  @Test
  void moreThanMayWaitIsRefused() {
    unread.borrow(bytes(64 * KIB + 1));
    assertThat(unread.settle()).isFalse();
  }

  @Test
  void withoutRoomInTheBudgetNothingMayWait() {
    assertThat(share.take(256 * KIB)).isTrue();
    unread.borrow(bytes(5 * KIB));
    assertThat(unread.settle()).isFalse();
  }

  @Test
  void aFirstReadMayAlwaysWait() {
    assertThat(share.take(256 * KIB)).isTrue();
    unread.borrow(bytes(ReadSize.FIRST));
    assertThat(unread.settle()).isTrue();
    unread.close();
    assertThat(budget.taken()).isEqualTo(256 * KIB);
  }

  @Test
  void closingGivesTheMemoryBackOnce() {
    unread.borrow(bytes(8 * KIB));
    unread.settle();
    unread.close();
    unread.close();
    assertThat(budget.taken()).isZero();
    assertThat(unread.isEmpty()).isTrue();
  }

  private static ByteBuffer bytes(int length) {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    for (int at = 0; at < length; at++) {
      bytes.put(at, (byte) at);
    }
    return bytes;
  }
}
