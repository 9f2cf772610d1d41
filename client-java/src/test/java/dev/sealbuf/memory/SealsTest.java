package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SealsTest {
  private static final Seals PUBLISHED =
      Seals.of(Seals.SEAL, Seals.SHRINK, Seals.GROW, Seals.WRITE);

  @Test
  void readsInTheOrderThatMatters() {
    assertThat(PUBLISHED).hasToString("WRITE|SHRINK|GROW|SEAL");
    assertThat(new Seals(0x3f)).hasToString("WRITE|FUTURE_WRITE|SHRINK|GROW|SEAL|EXEC");
    assertThat(Seals.NONE).hasToString("NONE");
    assertThat(new Seals(0x41)).hasToString("SEAL|0x40");
  }

  @Test
  void exactlyLeavesOnlyExecToTheKernel() {
    assertThat(new Seals(0x0f).isExactly(PUBLISHED)).isTrue();
    assertThat(new Seals(0x2f).isExactly(PUBLISHED)).isTrue();
    assertThat(new Seals(0x0e).isExactly(PUBLISHED)).isFalse();
    assertThat(new Seals(0x1f).isExactly(PUBLISHED)).isFalse();
    assertThat(new Seals(0x6f).isExactly(PUBLISHED)).isFalse();
  }

  @Test
  void containsAllOrNothing() {
    assertThat(PUBLISHED.contains(Seals.of(Seals.WRITE, Seals.GROW))).isTrue();
    assertThat(PUBLISHED.contains(Seals.of(Seals.WRITE, Seals.EXEC))).isFalse();
    assertThat(PUBLISHED.contains(Seals.NONE)).isTrue();
  }
}
