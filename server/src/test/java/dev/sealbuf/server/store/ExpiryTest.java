package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Names with a time to live, by a clock that the test moves.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class ExpiryTest {
  private static final long HOUR = 3_600_000;

  /// A name takes 288 bytes of the heap that Expiry is told of.
  private static final long HEAP_A_NAME = 288;

  private final Parts parts = new Parts();
  private Expiry expiry;

  @BeforeEach
  void start() {
    expiry = expiry(1L << 30);
    parts.published.addPlaceListener(expiry);
  }

  @AfterEach
  void close() {
    expiry.close();
    parts.close();
  }

  private Expiry expiry(long heapBytes) {
    return new Expiry(parts.walk, parts.published, parts.loop.clock(), 0, parts.loop, heapBytes);
  }

  private static Terms living(long millis) {
    return new Terms(false, OptionalLong.of(millis), OptionalLong.empty());
  }

  @Test
  void aNameGoesWithinTwoSecondsOfItsTimeAndNotBefore() throws Refusal {
    parts.put("a", 10, 3000);
    parts.put("for ever", 10);
    parts.loop.pass(2999);
    assertThat(parts.exists("a")).isTrue();
    parts.loop.pass(2001);
    assertThat(parts.exists("a")).isFalse();
    assertThat(parts.exists("for ever")).isTrue();
    assertThat(expiry.expired()).isEqualTo(1);
    assertThat(expiry.size()).isZero();
  }

  @Test
  void namesGoInTheOrderOfTheirTimesWhateverTheOrderTheyCameIn() throws Refusal {
    SplittableRandom random = new SplittableRandom(7);
    Map<String, Integer> seconds = new HashMap<>();
    for (int i = 0; i < 500; i++) {
      int second = random.nextInt(1, 60);
      seconds.put("n" + i, second);
      parts.put("n" + i, 10, second * 1000L);
    }
    for (int second = 1; second <= 62; second++) {
      parts.loop.pass(1000);
      for (Map.Entry<String, Integer> each : seconds.entrySet()) {
        if (second < each.getValue()) {
          assertThat(parts.exists(each.getKey())).as("%s at %d", each, second).isTrue();
        } else if (second >= each.getValue() + 2) {
          assertThat(parts.exists(each.getKey())).as("%s at %d", each, second).isFalse();
        }
      }
    }
    assertThat(expiry.expired()).isEqualTo(500);
  }

  @Test
  void aTurnTakesAwaySoManyAndTheNextGoesOn() throws Refusal {
    for (int i = 0; i < 1000; i++) {
      parts.put("n" + i, 10, 1000);
    }
    parts.loop.pass(1000);
    assertThat(parts.published.count()).isEqualTo(1000);
    expiry.close();
    parts.loop.pass(1000);
    assertThat(expiry.expire()).isFalse();
    assertThat(parts.published.count()).isBetween(1000 - 256L, 999L);
    for (int i = 0; i < 4; i++) {
      var _ = expiry.expire();
    }
    assertThat(parts.published.count()).isZero();
  }

  @Test
  void whatIsDeletedAtOnceLeavesLessBehindThanWhatLives() throws Refusal {
    int living = 200;
    for (int i = 0; i < living; i++) {
      parts.put("n" + i, 10, HOUR);
    }
    for (int i = 0; i < 20_000; i++) {
      parts.put("churn", 10, HOUR);
      parts.delete("churn");
      assertThat(expiry.size()).isLessThanOrEqualTo(2 * living + 2);
    }
    assertThat(expiry.size()).isGreaterThanOrEqualTo(living);
    assertThat(expiry.expired()).isZero();
  }

  @Test
  void aNameThatIsPublishedAnewLivesAsLongAsItsNewBuffer() throws Refusal {
    parts.put("a", 10, 1000);
    parts.delete("a");
    parts.put("a", 10, HOUR);
    parts.loop.pass(10_000);
    assertThat(parts.exists("a")).isTrue();
    assertThat(expiry.expired()).isZero();
  }

  @Test
  void aBufferThatWasMovedGoesAtItsTime() throws Refusal {
    parts.put("a", 10, 5000);
    parts.move("a");
    parts.loop.pass(4000);
    assertThat(parts.exists("a")).isTrue();
    parts.loop.pass(3000);
    assertThat(parts.exists("a")).isFalse();
  }

  @Test
  void noMoreNamesAreAdmittedThanTheHeapCanRemember() throws Refusal {
    Expiry small = expiry(10 * HEAP_A_NAME);
    parts.published.addPlaceListener(small);
    for (int i = 0; i < 10; i++) {
      small.requireRoom(living(HOUR), 1);
      parts.put("n" + i, 10, HOUR);
    }
    String message = "too many buffers with a time to live: buffers=%d asked=%d max=10";
    Refused.with(
        ErrorCode.STORE_FULL, message.formatted(10, 1), () -> small.requireRoom(living(1), 1));
    small.requireRoom(Terms.PLAIN, 1000);
    parts.loop.pass(2 * HOUR);
    small.requireRoom(living(HOUR), 10);
    Refused.with(
        ErrorCode.STORE_FULL, message.formatted(0, 11), () -> small.requireRoom(living(1), 11));
    small.close();
  }

  @Test
  void afterTheEndNothingExpires() throws Refusal {
    parts.put("a", 10, 1000);
    expiry.close();
    parts.loop.pass(HOUR);
    assertThat(parts.exists("a")).isTrue();
  }
}
