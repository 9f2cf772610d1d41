package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A store that has given out all numbers takes no memory for segments that cannot be.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class SegmentNumbersTest {
  @Test
  void withoutANumberNothingStaysCharged() throws Refusal {
    try (Parts parts = new Parts()) {
      SegmentNumbers numbers = new SegmentNumbers(DirectoryWord.SEGMENT_MAX);
      SlabSupply supply = new SlabSupply(parts.account, parts.workers, numbers);
      long used = parts.account.used();

      supply.prepare();

      assertThat(parts.account.used()).isEqualTo(used);
      Refused.with(
          ErrorCode.STORE_FULL,
          "the daemon has given out all numbers of slabs, start it anew: max="
              + DirectoryWord.SEGMENT_MAX,
          supply::ensure);
      assertThat(parts.account.used()).isEqualTo(used);
    }
  }
}
