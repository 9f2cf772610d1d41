package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class HeapBudgetTest {
  private static final int PIECE = 64 * 1024;

  /// A quarter of the heap is 1 MiB, a quarter of that for one uid is 4 pieces.
  private final HeapBudget budget = new HeapBudget(4 << 20, Runnable::run);

  private final List<String> woken = new ArrayList<>();

  @Test
  void oneUidCannotTakeWhatOthersNeed() {
    HeapBudget.Share greedy = budget.share(1, () -> {});
    assertThat(take(greedy, 5)).isEqualTo(4);
    assertThat(budget.share(2, () -> {}).take(PIECE)).isTrue();
  }

  @Test
  void theSumIsBounded() {
    for (int uid = 0; uid < 4; uid++) {
      assertThat(take(budget.share(uid, () -> {}), 4)).isEqualTo(4);
    }
    assertThat(budget.share(9, () -> {}).take(PIECE)).isFalse();
  }

  @Test
  void smallFramesAreNotCounted() {
    HeapBudget.Share share = budget.share(1, () -> {});
    assertThat(take(share, 4)).isEqualTo(4);
    assertThat(share.take(1024)).isTrue();
    share.give(1024);
    assertThat(budget.taken()).isEqualTo(4 * PIECE);
  }

  @Test
  void smallRepliesAreCountedWithWhatKeepsThem() {
    HeapBudget.Share share = budget.share(1, () -> {});
    assertThat(share.takeReply(100)).isTrue();
    assertThat(budget.taken()).isEqualTo(100 + HeapBudget.PER_REPLY);
    int kept = 1;
    while (share.takeReply(100)) {
      kept++;
    }
    assertThat(kept).isEqualTo(4 * PIECE / (100 + HeapBudget.PER_REPLY));
    assertThat(budget.share(2, () -> {}).takeReply(100)).isTrue();
    for (int i = 0; i < kept; i++) {
      share.giveReply(100);
    }
    assertThat(budget.taken()).isEqualTo(100 + HeapBudget.PER_REPLY);
  }

  @Test
  void whoWaitsIsWokenOnceWhenThereMayBeRoom() {
    HeapBudget.Share first = budget.share(1, () -> {});
    HeapBudget.Share second = budget.share(1, () -> woken.add("second"));
    take(first, 4);
    assertThat(second.takeOrWait(PIECE)).isFalse();
    assertThat(second.takeOrWait(PIECE)).isFalse();
    first.give(PIECE);
    first.give(PIECE);
    assertThat(woken).containsExactly("second");
  }

  @Test
  void closingGivesEverythingBackAndWaitsNoMore() {
    HeapBudget.Share first = budget.share(1, () -> {});
    HeapBudget.Share second = budget.share(1, () -> woken.add("second"));
    take(first, 4);
    second.takeOrWait(PIECE);
    second.close();
    first.close();
    first.close();
    assertThat(budget.taken()).isZero();
    assertThat(woken).isEmpty();
  }

  private static int take(HeapBudget.Share share, int pieces) {
    int taken = 0;
    while (taken < pieces && share.take(PIECE)) {
      taken++;
    }
    return taken;
  }
}
