package dev.sealbuf.server.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.Limits;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What goes in comes out in the same order, bounded, and everything is given back.
class EventBacklogTest {
  private static final long MUCH_HEAP = 1L << 40;

  private HeapBudget budget;
  private EventBacklog backlog;

  @BeforeEach
  void start() {
    use(MUCH_HEAP);
  }

  private void use(long heapBytes) {
    budget = new HeapBudget(heapBytes, Runnable::run);
    backlog = new EventBacklog(budget.share(1, () -> {}));
  }

  @Tag("shows-19")
  @Test
  void itTakesWatchBytesAndNoMore() {
    int events = 0;
    while (backlog.add(event(256, 0))) {
      events++;
    }
    assertThat(events).isEqualTo(Limits.WATCH_BYTES / 256);
    assertThat(backlog.bytes()).isEqualTo(Limits.WATCH_BYTES);
    assertThat(budget.taken()).isLessThan(2L * Limits.WATCH_BYTES);
    backlog.close();
    assertThat(backlog.isEmpty()).isTrue();
    assertThat(budget.taken()).isZero();
  }

  @Test
  void whatGoesInComesOutInWholeFrames() {
    SplittableRandom random = new SplittableRandom(3);
    int in = 0;
    int out = 0;
    int left = 0;
    for (int round = 0; round < 100_000; round++) {
      if (random.nextInt(3) > 0 && backlog.add(event(200, in % 100))) {
        in++;
      } else if (!backlog.isEmpty()) {
        ByteBuffer next = backlog.next();
        int sent = random.nextInt(next.remaining()) + 1;
        for (int i = 0; i < sent; i++) {
          left = left == 0 ? 200 : left;
          assertThat(next.get()).isEqualTo((byte) (out % 100));
          left--;
          out += left == 0 ? 1 : 0;
        }
        backlog.sent(sent);
        assertThat(left == 0 || backlog.isBegun()).isTrue();
      }
    }
  }

  @Test
  void whatHasNotBegunCanBeDropped() {
    for (int i = 0; i < 1000; i++) {
      backlog.add(event(200, i % 100));
    }
    backlog.sent(100);
    backlog.drop();
    assertThat(backlog.isBegun()).isTrue();
    assertThat(backlog.bytes()).isLessThan(1024);
    backlog.sent(backlog.next().remaining());
    assertThat(backlog.isEmpty()).isTrue();
    assertThat(budget.taken()).isZero();
  }

  /// Half of what a uid may take stays for what it asks.
  @Test
  void itTakesOnlyWhatTheHeapCanSpare() {
    use(64 * 1024 * 16); // 64 KiB for one uid
    while (backlog.add(event(256, 0))) {
      assertThat(budget.taken()).isLessThanOrEqualTo(32 * 1024);
    }
    assertThat(budget.share(1, () -> {}).take(32 * 1024)).isTrue();
  }

  private static ByteBuffer event(int length, int content) {
    ByteBuffer event = ByteBuffer.allocate(length);
    while (event.hasRemaining()) {
      event.put((byte) content);
    }
    return event.flip();
  }
}
