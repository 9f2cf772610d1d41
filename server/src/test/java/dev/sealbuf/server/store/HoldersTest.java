package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.HoldingPayload;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.segment.SegmentKind;
import dev.sealbuf.testing.LeakCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Who is told to hold what, page by page. The daemon of this test may look at nobody's memory map.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class HoldersTest {
  private static final int UID = 20_003;
  private static final long BYTES = 4096;
  private static final int SEGMENTS_A_PAGE = 256;
  private static final int LOOKS_A_PAGE = 50_000;

  private final Parts parts = new Parts();
  private final Ledger ledger = new Ledger(1L << 30, _ -> true);
  private final Holders holders =
      new Holders(
          ledger,
          new KeptSegments(parts.account, parts.workers, ledger, TestStore.SEGMENTS_MAX),
          parts.workers,
          TestStore.DAEMON,
          parts.memory,
          parts.walk,
          parts.held);

  @AfterEach
  void close() {
    parts.close();
  }

  private Holdings page(long cursor) {
    CompletableFuture<Holdings> page = holders.page(cursor).toCompletableFuture();
    parts.loop.await(page::isDone);
    return page.join();
  }

  private List<HoldingPayload.Row> rows() throws HeadException {
    Holdings page = page(0);
    assertThat(page.cursor()).isZero();
    return HoldingPayload.read(page.json());
  }

  private void hand(long session, long segment) {
    Peer peer = new Peer(session, UID);
    ledger.begin(peer, "client-" + session);
    ledger.handed(peer, SegmentKey.of(SegmentKind.DEDICATED, segment));
  }

  private static HoldingPayload.Row row(
      String name, boolean deleted, long session, long uid, String client, String state) {
    return new HoldingPayload.Row(
        "dedicated", 1, BYTES, name, deleted, session, uid, 0, client, state);
  }

  @Test
  void whatNobodyHoldsIsNotToldOf() throws Exception {
    parts.publish("a", BYTES).close();
    hand(7, 1);
    assertThat(rows()).isEmpty();
  }

  @Test
  void whoWasHandedWhatSomebodyHoldsMayHoldIt() throws Exception {
    try (Fd _ = parts.publish("a", BYTES)) {
      hand(7, 1);
      assertThat(rows()).containsExactly(row("a", false, 7, UID, "client-7", "may hold"));
    }
  }

  @Test
  void whatIsHeldByNobodyWhoWasHandedItIsHeldByTheUnknown() throws Exception {
    try (Fd _ = parts.publish("a", BYTES)) {
      assertThat(rows()).containsExactly(row("a", false, 0, 0, "", "unknown"));
    }
  }

  @Test
  void aSessionThatEndedIsGoneAndToldOfOnlyIfNobodyElseExplainsIt() throws Exception {
    try (Fd _ = parts.publish("a", BYTES)) {
      hand(7, 1);
      ledger.end(7);
      assertThat(rows()).containsExactly(row("a", false, 7, UID, "client-7", "gone"));
      hand(8, 1);
      assertThat(rows()).containsExactly(row("a", false, 8, UID, "client-8", "may hold"));
    }
  }

  @Test
  void whatWasDeletedIsToldOfUntilItIsLetGo() throws Exception {
    try (Fd _ = parts.publish("a", BYTES)) {
      hand(7, 1);
      ledger.end(7);
      hand(8, 1);
      parts.delete("a");
      parts.loop.turn();
      assertThat(rows())
          .containsExactly(
              row("a", true, 8, UID, "client-8", "may hold"),
              row("a", true, 7, UID, "client-7", "gone"));
    }
    parts.loop.await(() -> parts.held.all().isEmpty());
    assertThat(rows()).isEmpty();
  }

  @Test
  void aPageIsAboutABoundedNumberOfSegments() throws Exception {
    for (int i = 0; i < SEGMENTS_A_PAGE; i++) {
      parts.publish("n" + i, BYTES).close();
    }
    try (Fd _ = parts.publish("last", BYTES)) {
      Holdings first = page(0);
      assertThat(first.count()).isZero();
      assertThat(first.cursor()).isNotZero();
      Holdings second = page(first.cursor());
      assertThat(second.cursor()).isZero();
      assertThat(HoldingPayload.read(second.json()))
          .singleElement()
          .satisfies(row -> assertThat(row.name()).isEqualTo("last"));
    }
  }

  /// A segment more costs a look for each session; the catalog and the first slab are two.
  @Test
  void aPageLooksAtABoundedNumberOfSessions() throws Exception {
    for (int session = 1; session <= LOOKS_A_PAGE / 2; session++) {
      ledger.begin(new Peer(session, UID), "");
    }
    try (Fd _ = parts.publish("a", BYTES)) {
      Holdings first = page(0);
      assertThat(first.count()).isZero();
      Holdings second = page(first.cursor());
      assertThat(second.count()).isEqualTo(1);
    }
  }

  @Test
  void rowsThatDoNotFitAPageAreToldOnTheNext() throws Exception {
    int sessions = Limits.LIST_MAX + 500;
    try (Fd _ = parts.publish("a", BYTES)) {
      for (int session = 1; session <= sessions; session++) {
        hand(session, 1);
      }
      List<Long> told = new ArrayList<>();
      long cursor = 0;
      do {
        Holdings page = page(cursor);
        assertThat(page.count()).isLessThanOrEqualTo(Limits.LIST_MAX);
        HoldingPayload.read(page.json()).forEach(row -> told.add(row.session()));
        cursor = page.cursor();
      } while (cursor != 0);
      assertThat(told).hasSize(sessions).doesNotHaveDuplicates();
    }
  }

  @Test
  void aBufferIsAskedAboutByItsName() throws Exception {
    try (Fd _ = parts.publish("a", BYTES);
        Fd _ = parts.publish("b", BYTES)) {
      hand(7, 1);
      hand(8, 2);
      Place record = parts.published.place(Name.of("a"));
      CompletableFuture<Holdings> page = holders.of(record, 0).toCompletableFuture();
      parts.loop.await(page::isDone);
      assertThat(HoldingPayload.read(page.join().json()))
          .containsExactly(row("a", false, 7, UID, "client-7", "may hold"));
    }
  }
}
