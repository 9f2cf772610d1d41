package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.server.segment.Slab;
import dev.sealbuf.testing.LeakCheck;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// Memory to which nothing leads any more goes back, and readers are told.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class RetirementTest {
  private static final int NBYTES = 250_000;
  private static final int PER_SLAB = 8;
  private static final long FIRST_SLAB = 2;

  private TestStore store;
  private CatalogReader reader;

  @BeforeEach
  void open() throws Refusal {
    store = new TestStore();
    reader = new CatalogReader(store);
  }

  @AfterEach
  void close() {
    reader.close();
    store.close();
  }

  @Test
  void aFullSlabGoesWithItsLastName() throws Refusal {
    long used = store.statistics().used();
    for (int i = 0; i <= PER_SLAB; i++) {
      store.put(TestStore.PRODUCER, "n" + i, new byte[NBYTES]);
    }
    assertThat(store.statistics().slabs()).isEqualTo(2);
    for (int i = 1; i < PER_SLAB; i++) {
      store.delete(TestStore.PRODUCER, "n" + i);
    }
    assertThat(HeaderLayout.epoch(reader.header())).isZero();

    store.delete(TestStore.PRODUCER, "n0");

    assertThat(HeaderLayout.epoch(reader.header())).isEqualTo(1);
    assertThat(HeaderLayout.retired(reader.header(), 0)).isEqualTo(FIRST_SLAB);
    requireUnknown(FIRST_SLAB);
    store.awaitUsed(used);
    assertThat(reader.find("n" + PER_SLAB)).isPresent();
  }

  @Test
  void aSlabThatSomebodyHasMappedIsHeldUntilItIsLetGo() throws Refusal {
    long used = store.statistics().used();
    for (int i = 0; i <= PER_SLAB; i++) {
      store.put(TestStore.PRODUCER, "n" + i, new byte[NBYTES]);
    }
    assertThat(reader.find("n0")).isPresent();

    for (int i = 0; i < PER_SLAB; i++) {
      store.delete(TestStore.PRODUCER, "n" + i);
    }

    store.await(figures -> figures.held() == 1 && figures.slabs() == 1);
    assertThat(store.statistics().heldBytes()).isEqualTo(Slab.BYTES);
    reader.forgetRetired();
    store.awaitUsed(used);
  }

  @Test
  void theOpenSlabGoesWhenNothingInItLivesAndNobodyPuts() throws Refusal {
    long used = store.statistics().used();
    store.put(TestStore.PRODUCER, "a", "1");
    store.put(TestStore.PRODUCER, "b", "2");
    store.delete(TestStore.PRODUCER, "a");
    store.delete(TestStore.PRODUCER, "b");

    store.await(_ -> HeaderLayout.epoch(reader.header()) == 1);

    requireUnknown(FIRST_SLAB);
    store.awaitUsed(used);
    assertThat(store.put(TestStore.PRODUCER, "a", "3").slab()).isEqualTo(FIRST_SLAB + 1);
  }

  @Test
  void numbersAreNeverGivenOutAgain() throws Refusal {
    long last = 0;
    for (int round = 0; round < 20; round++) {
      for (int i = 0; i < PER_SLAB; i++) {
        long slab = store.put(TestStore.PRODUCER, "n" + i, new byte[NBYTES]).slab();
        assertThat(slab).isGreaterThanOrEqualTo(last);
        last = slab;
      }
      for (int i = 0; i < PER_SLAB; i++) {
        store.delete(TestStore.PRODUCER, "n" + i);
      }
    }
    assertThat(last).isGreaterThanOrEqualTo(FIRST_SLAB + 19);
    store.await(figures -> figures.slabs() == 1);
  }

  @Test
  void aTableGrowsWithItsNamesAndShrinksWhenTheyGo() throws Refusal {
    int table = 3;
    List<String> names = NamesOfTable.of(table, 5000);
    for (String name : names) {
      store.put(TestStore.PRODUCER, name, name);
    }
    store.await(_ -> log2Slots(table) >= 14);
    long grown = DirectoryWord.segment(reader.place(table));
    assertThat(grown).isNotEqualTo(TableSpace.FIRST);
    for (String name : names) {
      assertThat(reader.findInCatalog(name)).as(name).isPresent();
    }

    for (String name : names) {
      store.delete(TestStore.PRODUCER, name);
    }
    store.await(_ -> log2Slots(table) == TableSpace.LOG2_SLOTS_MIN);
    assertThat(reader.findInCatalog(names.getFirst())).isEmpty();
  }

  @Test
  void aCatalogSegmentGoesWhenNoTableInItIsCurrent() throws Refusal {
    int table = 3;
    List<String> names = NamesOfTable.of(table, 1000);
    for (String name : names) {
      store.put(TestStore.PRODUCER, name, "x");
    }
    store.await(_ -> DirectoryWord.segment(reader.place(table)) != TableSpace.FIRST);
    long segment = DirectoryWord.segment(reader.place(table));

    // It shrinks and grows in fresh memory each time.
    while (DirectoryWord.segment(reader.place(table)) == segment) {
      for (String name : names) {
        store.delete(TestStore.PRODUCER, name);
      }
      for (String name : names) {
        store.put(TestStore.PRODUCER, name, "x");
      }
    }

    store.await(_ -> isUnknown(segment));
    assertThat(store.statistics().catalogBytes())
        .isLessThanOrEqualTo(TableSpace.FIRST_BYTES + 2 * (2L << 20));
    for (String name : names) {
      assertThat(reader.find(name)).as(name).isPresent();
    }
  }

  private int log2Slots(int table) {
    return DirectoryWord.log2Slots(reader.place(table));
  }

  private boolean isUnknown(long segment) {
    try {
      TestStore.close(store.on(each -> each.map(TestStore.READER, segment)).descriptors());
      return false;
    } catch (Refusal e) {
      return e.code() == ErrorCode.NOT_FOUND;
    }
  }

  private void requireUnknown(long segment) {
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no slab or catalog segment has this number: segment=" + segment,
        () -> store.on(each -> each.map(TestStore.READER, segment)));
  }
}
