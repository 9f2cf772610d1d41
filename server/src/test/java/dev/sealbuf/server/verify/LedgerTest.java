package dev.sealbuf.server.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// What the ledger lets a reader find, and when.
final class LedgerTest {
  private final Ledger ledger = new Ledger();
  private final SplittableRandom random = new SplittableRandom(1);
  private final Entry entry = ledger.add("n");
  private final Label first = Label.of("n", 1, 100);
  private final Label second = Label.of("n", 2, 1000);

  @Test
  void whatWasAcknowledgedMustBeFound() {
    publish(first);
    assertThat(ledger.possible(entry, ledger.now())).containsExactly(first);
    assertThat(ledger.bytes()).isEqualTo(100);
  }

  @Test
  void whatIsUnderWayMayBeFoundOrNot() {
    ledger.begin(entry, first);
    assertThat(ledger.possible(entry, ledger.now())).containsExactly(Label.ABSENT, first);
  }

  @Test
  void whoBeganBeforeAnAcknowledgementMayHaveSeenWhatWasThere() {
    publish(first);
    long before = ledger.now();
    replace(second);
    assertThat(ledger.possible(entry, before)).containsExactly(first, second);
    assertThat(ledger.possible(entry, ledger.now())).containsExactly(second);
    assertThat(ledger.isOver(entry, first)).isTrue();
    assertThat(ledger.isOver(entry, second)).isFalse();
  }

  @Test
  void aRefusalLeavesEverythingAsItWas() {
    publish(first);
    assertThat(ledger.take(random)).contains(entry);
    ledger.begin(entry, second);
    ledger.refused(entry, second);
    assertThat(ledger.possible(entry, ledger.now())).containsExactly(first);
    assertThat(ledger.bytes()).isEqualTo(100);
  }

  @Test
  void whatWasDeletedMustNotBeFound() {
    publish(first);
    replace(Label.ABSENT);
    assertThat(ledger.possible(entry, ledger.now())).containsExactly(Label.ABSENT);
    assertThat(ledger.anyGone()).contains(entry);
    assertThat(ledger.bytes()).isZero();
    assertThat(ledger.all()).isEmpty();
  }

  @Test
  void whatAKilledWorkerAskedForMayComeAtAnyTime() {
    publish(first);
    assertThat(ledger.take(random)).contains(entry);
    ledger.begin(entry, second);
    ledger.unanswered(entry);
    assertThat(ledger.possible(entry, ledger.now())).containsExactly(first, second);
    replace(Label.ABSENT);
    assertThat(ledger.possible(entry, ledger.now())).contains(Label.ABSENT, second);
    assertThat(ledger.take(random)).isEmpty();
    assertThat(ledger.all()).containsExactly(entry);
  }

  @Test
  void aNameThatNobodyWasToldToPublishMayHoldNothing() {
    List<Entry> unknown = ledger.unknown(List.of("n", "foreign"));
    assertThat(unknown).extracting(Entry::name).containsExactly("foreign");
    assertThat(ledger.possible(unknown.getFirst(), 0)).containsExactly(Label.ABSENT);
  }

  private void publish(Label label) {
    ledger.begin(entry, label);
    ledger.done(entry, label);
  }

  private void replace(Label label) {
    assertThat(ledger.take(random)).contains(entry);
    publish(label);
  }
}
