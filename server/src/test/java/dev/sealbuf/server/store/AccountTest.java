package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.PageSizes;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.store.Account.Kind;
import org.junit.jupiter.api.Test;

class AccountTest {
  private final Account account = new Account(1000, 3, Headroom.unlimited());

  @Test
  void chargesAndGivesBackToTheByte() throws Refusal {
    Account.Charge slab = account.charge(Kind.SLAB, 600);
    Account.Charge buffer = account.charge(Kind.UNFINISHED, 400);
    buffer.inHugePages(256);

    assertThat(account.used()).isEqualTo(1000);
    assertThat(account.bytes(Kind.SLAB)).isEqualTo(600);
    assertThat(account.bytes(Kind.UNFINISHED)).isEqualTo(400);
    assertThat(account.hugePageBytes()).isEqualTo(256);

    slab.close();
    buffer.close();
    assertThat(account.used()).isZero();
    assertThat(account.segments(Kind.SLAB)).isZero();
    assertThat(account.bytes(Kind.UNFINISHED)).isZero();
    assertThat(account.hugePageBytes()).isZero();
  }

  @Test
  void aChargeIsGivenBackOnce() throws Refusal {
    Account.Charge charge = account.charge(Kind.SLAB, 600);
    account.charge(Kind.SLAB, 400);

    charge.close();
    charge.close();

    assertThat(account.used()).isEqualTo(400);
    assertThat(account.segments(Kind.SLAB)).isEqualTo(1);
  }

  @Test
  void whatChangesItsKindIsChargedOnce() throws Refusal {
    Account.Charge charge = account.charge(Kind.UNFINISHED, 600);
    charge.inHugePages(512);

    charge.becomes(Kind.DEDICATED);

    assertThat(account.used()).isEqualTo(600);
    assertThat(account.segments(Kind.UNFINISHED)).isZero();
    assertThat(account.bytes(Kind.DEDICATED)).isEqualTo(600);
    assertThat(account.hugePageBytes()).isEqualTo(512);
    charge.close();
    assertThat(account.bytes(Kind.DEDICATED)).isZero();
  }

  @Test
  void onlyMemoryThatCameInSmallPagesCountsAsRefusedInHugeOnes() throws Refusal {
    long huge = PageSizes.huge().orElse(2L << 20);
    Account large = new Account(64 * huge, 8, Headroom.unlimited());
    Account.Charge never = large.charge(Kind.UNFINISHED, 4 * huge);
    never.close();
    assertThat(large.hugePageFailures()).isZero();

    Account.Charge half = large.charge(Kind.PREPARED, 4 * huge + 1);
    half.inHugePages(3 * huge);
    half.cut(2 * huge, 2 * huge);
    assertThat(large.used()).isZero();
    half.becomes(Kind.UNFINISHED);
    assertThat(large.used()).isEqualTo(2 * huge);
    assertThat(large.hugePageBytes()).isEqualTo(2 * huge);
    half.close();
    assertThat(large.hugePageFailures()).isEqualTo(PageSizes.huge().isPresent() ? 1 : 0);
    assertThat(large.room()).isEqualTo(64 * huge);
  }

  @Test
  void fillsToTheCapacityAndNotAByteMore() throws Refusal {
    account.charge(Kind.DEDICATED, 999);

    assertRefused(2, "no room below the capacity: requested=2 used=999 capacity=1000");
    account.charge(Kind.DEDICATED, 1);
    assertRefused(1, "no room below the capacity: requested=1 used=1000 capacity=1000");
    assertRefused(
        Long.MAX_VALUE,
        "no room below the capacity: requested=9223372036854775807 used=1000 capacity=1000");
    assertThat(account.used()).isEqualTo(1000);
  }

  @Test
  void admitsAsManySegmentsAsThereAreDescriptors() throws Refusal {
    account.charge(Kind.SLAB, 1);
    account.charge(Kind.DEDICATED, 1);
    Account.Charge third = account.charge(Kind.UNFINISHED, 1);

    assertRefused(1, "too many segments: segments=3 max=3");
    third.close();
    account.charge(Kind.UNFINISHED, 1);
  }

  private void assertRefused(long bytes, String message) {
    Refused.with(ErrorCode.STORE_FULL, message, () -> account.charge(Kind.UNFINISHED, bytes));
  }
}
