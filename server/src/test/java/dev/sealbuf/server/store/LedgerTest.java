package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Who was handed what: segments are numbers here, and the test says which of them are gone.
@Timeout(60)
class LedgerTest {
  private static final long SEGMENT = 10;
  private static final int ENDED_MAX = 4096;

  /// Rows may take a sixteenth of the heap; those of one session take 64 bytes at least.
  private static final int HEAP_SHARE = 16;

  private static final int SESSION = 64;

  private final Set<Long> gone = new HashSet<>();
  private final Ledger ledger = ledger(1L << 30);

  private Ledger ledger(long heapBytes) {
    return new Ledger(heapBytes, key -> !gone.contains(key));
  }

  private static Peer peer(long session) {
    return new Peer(session, 1000);
  }

  private static Ledger.Holder holder(long session, boolean ended) {
    return new Ledger.Holder(peer(session), "client-" + session, ended);
  }

  private static void begin(Ledger ledger, long session) {
    ledger.begin(peer(session), "client-" + session);
  }

  @Test
  void whoWasHandedASegmentIsNamedTheLivingFirst() {
    for (int session = 1; session <= 3; session++) {
      begin(ledger, session);
      ledger.handed(peer(session), SEGMENT);
    }
    begin(ledger, 4);
    ledger.end(1);
    assertThat(ledger.holders(SEGMENT))
        .containsExactly(holder(2, false), holder(3, false), holder(1, true));
    assertThat(ledger.holders(SEGMENT + 1)).isEmpty();
    assertThat(ledger.isLiving(peer(1))).isFalse();
    assertThat(ledger.isLiving(peer(2))).isTrue();
  }

  @Test
  void aSessionThatEndsKeepsWhatIsNotGoneAndNothingElse() {
    begin(ledger, 1);
    ledger.handed(peer(1), SEGMENT);
    ledger.handed(peer(1), SEGMENT + 1);
    gone.add(SEGMENT);
    ledger.end(1);
    assertThat(ledger.holders(SEGMENT)).isEmpty();
    assertThat(ledger.holders(SEGMENT + 1)).containsExactly(holder(1, true));
  }

  @Test
  void aSessionThatEndsWithNothingIsForgotten() {
    begin(ledger, 1);
    begin(ledger, 2);
    ledger.handed(peer(2), SEGMENT);
    gone.add(SEGMENT);
    ledger.end(1);
    ledger.end(2);
    assertThat(ledger.sessions()).isZero();
  }

  /// A reply may be on its way when the session ends.
  @Test
  void whatIsHandedAfterTheEndCountsIfTheSessionIsRemembered() {
    begin(ledger, 1);
    ledger.handed(peer(1), SEGMENT);
    ledger.end(1);
    ledger.handed(peer(1), SEGMENT + 1);
    ledger.handed(peer(2), SEGMENT + 1);
    assertThat(ledger.holders(SEGMENT + 1)).containsExactly(holder(1, true));
  }

  @Test
  void theOldestOfTooManyEndedSessionsIsForgotten() {
    for (int session = 1; session <= ENDED_MAX + 1; session++) {
      begin(ledger, session);
      ledger.handed(peer(session), SEGMENT);
      ledger.end(session);
    }
    assertThat(ledger.sessions()).isEqualTo(ENDED_MAX);
    assertThat(ledger.holders(SEGMENT))
        .hasSize(ENDED_MAX)
        .startsWith(holder(2, true))
        .endsWith(holder(ENDED_MAX + 1, true));
  }

  @Test
  void whenTheHeapIsShortTheOldestEndedSessionIsForgottenForTheNextRow() {
    Ledger small = ledger(3L * SESSION * HEAP_SHARE);
    for (int session = 1; session <= 3; session++) {
      begin(small, session);
      small.handed(peer(session), SEGMENT);
      small.end(session);
    }
    begin(small, 4);
    small.handed(peer(4), SEGMENT);
    assertThat(small.holders(SEGMENT)).startsWith(holder(4, false)).doesNotContain(holder(1, true));
  }

  @Test
  void rowsOfLivingSessionsAreBoundedByTheHeap() {
    Ledger small = ledger(4L * SESSION * HEAP_SHARE);
    begin(small, 1);
    for (long segment = 1; segment <= 1000; segment++) {
      small.handed(peer(1), segment);
    }
    assertThat(small.holders(1)).containsExactly(holder(1, false));
    assertThat(small.holders(1000)).isEmpty();
  }

  @Test
  void rowsOfGoneSegmentsMakeWayForNewOnes() {
    Ledger small = ledger(4L * SESSION * HEAP_SHARE);
    begin(small, 1);
    for (long segment = 1; segment <= 1000; segment++) {
      small.handed(peer(1), segment);
      gone.add(segment);
    }
    gone.remove(1001L);
    small.handed(peer(1), 1001);
    assertThat(small.holders(1001)).containsExactly(holder(1, false));
  }
}
