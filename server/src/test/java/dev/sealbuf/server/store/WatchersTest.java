package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Description;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Many changes for many watchers, told by a loop that the test turns.
@Timeout(60)
class WatchersTest {
  private static final int BATCH = 1024;
  private static final int WATCHERS = 300;

  private final ManualLoop loop = new ManualLoop();
  private final List<Told> all = new ArrayList<>();
  private long version;
  private final Watchers watchers = new Watchers(() -> version, noReplays(), loop);

  /// One that takes what it has room for.
  private static final class Told implements Watcher.Sink {
    final List<Long> versions = new ArrayList<>();
    final List<Event> others = new ArrayList<>();
    int room = Integer.MAX_VALUE;

    @Override
    public boolean offer(Event event) {
      if (room == 0) {
        return false;
      }
      room--;
      if (event instanceof Event.Sealed(BufferRecord record)) {
        versions.add(record.version());
      } else {
        others.add(event);
      }
      return true;
    }
  }

  /// Nobody asks for any.
  private static Replays noReplays() {
    try (Parts parts = new Parts()) {
      return new Replays(parts.walk, Runnable::run);
    }
  }

  private Watcher watch(String prefix) throws Refusal {
    Told told = new Told();
    all.add(told);
    return watchers.add(new Peer(all.size(), 0), prefix, false, told);
  }

  private void publish(String name, int count) {
    for (int i = 0; i < count; i++) {
      watchers.published(
          new BufferRecord(name, 1, ++version, 0, 64, 0, 0, 0, Description.bytes(0), 0));
    }
  }

  private static List<Long> versions(long from, long to) {
    return LongStream.rangeClosed(from, to).boxed().toList();
  }

  private long told() {
    return all.stream().mapToLong(each -> each.versions.size()).sum();
  }

  @Test
  void oneChangeIsToldInTheSameTurn() throws Refusal {
    for (int i = 0; i < WATCHERS; i++) {
      watch("");
    }
    publish("a", 1);
    assertThat(all).allSatisfy(each -> assertThat(each.versions).containsExactly(1L));
  }

  @Test
  void aBatchIsToldInSlicesOfABoundedSizeAndInOrder() throws Refusal {
    for (int i = 0; i < WATCHERS; i++) {
      watch("");
    }
    publish("a", BATCH);
    int turns = 0;
    long before = 0;
    do {
      assertThat(told() - before).isPositive().isLessThanOrEqualTo(2048);
      before = told();
      turns++;
    } while (loop.turn() > 0 && told() > before);
    assertThat(turns).isGreaterThanOrEqualTo(BATCH * WATCHERS / 2048);
    assertThat(all).allSatisfy(each -> assertThat(each.versions).isEqualTo(versions(1, BATCH)));
  }

  @Test
  void whoDoesNotWantToKnowCostsLittle() throws Refusal {
    for (int i = 0; i < WATCHERS; i++) {
      watch("b");
    }
    watch("a");
    publish("a", 50);
    assertThat(all.getLast().versions).isEqualTo(versions(1, 50));
    assertThat(told()).isEqualTo(50);
  }

  @Test
  void whoComesMeanwhileIsToldOfWhatHappensAfterItCame() throws Refusal {
    for (int i = 0; i < WATCHERS; i++) {
      watch("");
    }
    publish("a", BATCH);
    watch("");
    publish("a", 10);
    loop.pass(0);
    assertThat(all.getLast().versions).isEqualTo(versions(BATCH + 1, BATCH + 10));
    assertThat(all.getFirst().versions).isEqualTo(versions(1, BATCH + 10));
  }

  @Test
  void whoLeavesMeanwhileIsToldNothingMoreAndTheOthersAll() throws Refusal {
    for (int i = 0; i < WATCHERS; i++) {
      watch("");
    }
    publish("a", BATCH);
    int before = all.getFirst().versions.size();
    watchers.endSession(1);
    loop.pass(0);
    assertThat(watchers.count()).isEqualTo(WATCHERS - 1);
    assertThat(all.getFirst().versions).hasSize(before);
    assertThat(all.subList(1, WATCHERS))
        .allSatisfy(each -> assertThat(each.versions).isEqualTo(versions(1, BATCH)));
  }

  @Test
  void whoMissedSomethingIsToldSoOnceAndThenOfWhatHappensAfter() throws Refusal {
    Watcher slow = watch("");
    Told told = all.getFirst();
    told.room = 3;
    publish("a", 10);
    assertThat(told.versions).isEqualTo(versions(1, 3));
    told.room = Integer.MAX_VALUE;
    publish("a", 5);

    slow.resume();

    assertThat(told.others).containsExactly(new Event.Overflow(15));
    publish("a", 2);
    assertThat(told.versions).containsExactly(1L, 2L, 3L, 16L, 17L);
  }

  /// What it is not told yet when it reads of the gap lies before the gap's end.
  @Test
  void whatWaitedWhenSomethingWasMissedIsPartOfTheGap() throws Refusal {
    Watcher slow = watch("");
    for (int i = 1; i < WATCHERS; i++) {
      watch("");
    }
    all.getFirst().room = 1;
    publish("a", BATCH);
    all.getFirst().room = Integer.MAX_VALUE;
    slow.resume();
    loop.pass(0);
    assertThat(all.getFirst().versions).containsExactly(1L);
    assertThat(all.getFirst().others).containsExactly(new Event.Overflow(BATCH));
    publish("a", 1);
    assertThat(all.getFirst().versions).containsExactly(1L, BATCH + 1L);
  }

  @Test
  void whatWaitsIsBoundedAndNothingOfItIsLost() throws Refusal {
    for (int i = 0; i < 2; i++) {
      watch("");
    }
    int count = 3 * Watchers.WAITING_MAX;
    publish("a", count);
    assertThat(all.getFirst().versions)
        .hasSizeGreaterThanOrEqualTo(count - Watchers.WAITING_MAX)
        .hasSizeLessThan(count);
    loop.pass(0);
    assertThat(all).allSatisfy(each -> assertThat(each.versions).isEqualTo(versions(1, count)));
  }
}
