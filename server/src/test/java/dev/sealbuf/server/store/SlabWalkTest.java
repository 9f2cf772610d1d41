package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.store.SlabWalk.Budget;
import dev.sealbuf.testing.LeakCheck;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A walk over slabs with one large buffer each, more or less.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class SlabWalkTest {
  private static final int NBYTES = 256 << 10;
  private static final int NAMES = 7 * 12;

  private final Parts parts = new Parts();

  @AfterEach
  void close() {
    parts.close();
  }

  private void fill() throws Refusal {
    for (int i = 0; i < NAMES; i++) {
      parts.put("n" + i, NBYTES);
    }
  }

  @Test
  void aPartIsOverWhenItsBudgetIsAlsoBetweenSlabsInWhichNothingMatches() throws Refusal {
    fill();
    Budget budget = new Budget(1);
    Optional<Place> next = parts.walk.walk(Place.START, 0, budget, (_, _) -> true);
    assertThat(next).hasValueSatisfying(place -> assertThat(place.offset()).isZero());
    long first = parts.memory.slabs().all().getFirst().number();
    assertThat(next.orElseThrow().slab()).isEqualTo(first + 1);
    assertThat(budget.isSpent()).isTrue();
  }

  @Test
  void partsTogetherVisitAllOnceAndEnd() throws Refusal {
    fill();
    List<String> met = new ArrayList<>();
    Optional<Place> next = Optional.of(Place.START);
    int walks = 0;
    while (next.isPresent()) {
      next =
          parts.walk.walk(
              next.get(),
              Long.MAX_VALUE,
              new Budget(1),
              (record, _) -> {
                met.add(record.name());
                return true;
              });
      walks++;
    }
    assertThat(met).hasSize(NAMES).doesNotHaveDuplicates();
    assertThat(walks).isGreaterThanOrEqualTo(NAMES);
  }

  /// A record with as much as it may say takes ten times as long to read as a plain one.
  @Test
  void aPartIsOverSoonerWhenRecordsSayMuch() throws Refusal {
    String longest = "b".repeat(Limits.FORMAT_MAX);
    List<Long> item = List.of((long) Limits.FORMAT_MAX);
    List<Long> axes = Collections.nCopies(Limits.NDIM_MAX, 1L);
    assertThat(visited(Description.bytes(1), 1)).isEqualTo(50);
    assertThat(visited(new Description(longest, List.of(1L), item), Limits.FORMAT_MAX))
        .isEqualTo(7);
    assertThat(visited(new Description("B", axes, axes), 1)).isEqualTo(13);
  }

  /// How many records of this kind one part visits.
  private int visited(Description description, int nbytes) throws Refusal {
    try (Parts alone = new Parts()) {
      for (int i = 0; i < 60; i++) {
        alone.put("n" + i, nbytes, description);
      }
      List<Place> met = new ArrayList<>();
      alone.walk.walk(Place.START, Long.MAX_VALUE, new Budget(1000), (_, place) -> met.add(place));
      return met.size();
    }
  }
}
