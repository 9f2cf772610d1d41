package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import dev.sealbuf.server.segment.DaemonSegment;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// The words that readers see, looked at through the descriptor that `welcome` carries.
@ExtendWith(LeakCheck.class)
class CatalogTest {
  private static final int WINDOW = TableWord.WINDOW;
  private static final int SLOTS = 1 << TableSpace.LOG2_SLOTS_MIN;

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
  void theHeaderSaysThatTheDaemonLivesUntilItStops() throws Refusal, LayoutException {
    MemorySegment header = reader.header();

    HeaderLayout.check(header);
    assertThat(HeaderLayout.isAlive(header)).isTrue();
    assertThat(HeaderLayout.epoch(header)).isZero();
    CatalogHandle handle = store.on(Store::catalog);
    TestStore.close(handle.descriptors());
    assertThat(HeaderLayout.daemon(header)).isEqualTo(handle.daemon()).isNotZero();

    store.close();
    assertThat(HeaderLayout.isAlive(header)).isFalse();
    assertThat(header.get(ValueLayout.JAVA_INT, HeaderLayout.OWNER)).isZero();
  }

  @Test
  void everyTableHasAPlaceOfItsOwn() {
    Set<Long> offsets = new HashSet<>();
    for (int table = 0; table < HeaderLayout.TABLES; table++) {
      long place = HeaderLayout.directoryWord(reader.header(), table);
      assertThat(DirectoryWord.segment(place)).isEqualTo(TableSpace.FIRST);
      assertThat(DirectoryWord.log2Slots(place)).isEqualTo(TableSpace.LOG2_SLOTS_MIN);
      long end = DirectoryWord.offset(place) + SLOTS * (long) Long.BYTES;
      assertThat(end).isLessThanOrEqualTo(reader.header().byteSize());
      offsets.add(DirectoryWord.offset(place));
    }
    assertThat(offsets).hasSize(HeaderLayout.TABLES).allMatch(at -> at % 16_384 == 4096);
  }

  @Test
  void catalogAndSlabsCarryTheirSealsWhenTheyLeave() throws Refusal, IOException {
    List<Fd> descriptors = new ArrayList<>(store.on(Store::catalog).descriptors());
    descriptors.addAll(store.on(each -> each.map(TestStore.READER, 1)).descriptors());
    descriptors.addAll(store.on(each -> each.map(TestStore.READER, 2)).descriptors());

    for (Fd fd : descriptors) {
      assertThat(Memfd.seals(fd).isExactly(DaemonSegment.SEALS)).isTrue();
    }
    TestStore.close(descriptors);
  }

  @Test
  void aNameGoesIntoTheFirstFreeSlotOfItsWindow() throws Refusal {
    List<String> names = Collisions.names(4);
    for (String name : names) {
      store.put(TestStore.PRODUCER, name, name);
    }

    assertThat(window(names.getFirst(), 5))
        .containsExactly("live", "live", "live", "live", "empty");
    store.delete(TestStore.PRODUCER, names.get(1));
    assertThat(window(names.getFirst(), 5))
        .containsExactly("live", "gone", "live", "live", "empty");
    store.put(TestStore.PRODUCER, names.get(1), "again");
    assertThat(window(names.getFirst(), 5))
        .containsExactly("live", "live", "live", "live", "empty");
    assertThat(reader.get(names.get(1))).hasValue("again".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void aNameThatLivesBehindAGoneSlotIsFoundBeforeItIsPutTwice() throws Refusal {
    List<String> names = Collisions.names(3);
    for (String name : names) {
      store.put(TestStore.PRODUCER, name, name);
    }
    store.delete(TestStore.PRODUCER, names.getFirst());

    Refused.with(
        ErrorCode.ALREADY_EXISTS,
        "a buffer has this name already: name=" + names.getLast(),
        () -> store.put(TestStore.PRODUCER, names.getLast(), "twice"));
    assertThat(window(names.getFirst(), 4)).containsExactly("gone", "live", "live", "empty");
  }

  @Test
  void aGoneSlotBecomesEmptyOnlyWhenTheNextOneIs() throws Refusal {
    List<String> names = Collisions.names(4);
    for (String name : names) {
      store.put(TestStore.PRODUCER, name, name);
    }

    store.delete(TestStore.PRODUCER, names.get(0));
    store.delete(TestStore.PRODUCER, names.get(2));
    assertThat(window(names.getFirst(), 5))
        .containsExactly("gone", "live", "gone", "live", "empty");
    assertThat(reader.find(names.get(3))).isPresent();

    store.delete(TestStore.PRODUCER, names.get(3));
    assertThat(window(names.getFirst(), 5))
        .containsExactly("gone", "live", "empty", "empty", "empty");
    store.delete(TestStore.PRODUCER, names.get(1));
    assertThat(window(names.getFirst(), 5)).containsOnly("empty");
  }

  @Test
  void aNameWithoutASlotIsFoundByAskingUntilItIsDeleted() throws Refusal {
    List<String> names = Collisions.names(WINDOW + 2);
    for (String name : names) {
      store.put(TestStore.PRODUCER, name, name);
    }
    String spilled = names.getLast();

    assertThat(reader.findInCatalog(spilled)).isEmpty();
    assertThat(content(spilled)).hasValue(bytes(spilled));
    Refused.with(
        ErrorCode.ALREADY_EXISTS,
        "a buffer has this name already: name=" + spilled,
        () -> store.put(TestStore.PRODUCER, spilled, "twice"));

    store.delete(TestStore.PRODUCER, names.get(17));
    assertThat(window(spilled, WINDOW + 1)).containsOnlyOnce("gone").containsOnlyOnce("empty");
    assertThat(content(spilled)).hasValue(bytes(spilled));
    store.delete(TestStore.PRODUCER, spilled);
    assertThat(content(spilled)).isEmpty();
    assertThat(content(names.get(WINDOW))).hasValue(bytes(names.get(WINDOW)));
  }

  @Test
  void noSlotBecomesEmptyWhileANameOfTheTableIsSpilled() throws Refusal {
    List<String> names = Collisions.names(WINDOW + 1);
    for (String name : names) {
      store.put(TestStore.PRODUCER, name, name);
    }

    store.delete(TestStore.PRODUCER, names.get(WINDOW - 1));
    assertThat(window(names.getFirst(), WINDOW)).endsWith("live", "gone");
    store.delete(TestStore.PRODUCER, names.get(WINDOW));
    assertThat(window(names.getFirst(), WINDOW)).endsWith("live", "empty");
  }

  @Test
  void aUidMaySpillSoManyNamesAndNoMore() throws Refusal {
    int max = SpilledNames.MAX_PER_UID;
    List<String> names = Collisions.names(WINDOW + max + 1);
    for (String name : names.subList(0, WINDOW + max)) {
      store.put(TestStore.PRODUCER, name, "x");
    }
    String more = names.getLast();
    String refusal = "too many names of one uid share their hash: spilled=4096 max=4096 uid=20002";

    Refused.with(ErrorCode.STORE_FULL, refusal, () -> store.put(TestStore.PRODUCER, more, "x"));
    Refused.with(ErrorCode.STORE_FULL, refusal, () -> store.create(TestStore.PRODUCER, more, 1));
    store.put(TestStore.PRODUCER, "of another hash", "x");
    store.put(TestStore.READER, more, "of another uid");
    assertThat(content(more)).hasValue(bytes("of another uid"));
  }

  private Optional<byte[]> content(String name) throws Refusal {
    return reader.ask(name).map(CatalogReader.Found::payload);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private List<String> window(String name, int words) {
    int hash = NameHash.of(name.getBytes(StandardCharsets.UTF_8));
    long place = HeaderLayout.directoryWord(reader.header(), NameHash.table(hash));
    long home = NameHash.home(hash, TableSpace.LOG2_SLOTS_MIN);
    List<String> states = new ArrayList<>();
    for (int step = 0; step < words; step++) {
      long slot = (home + step) % SLOTS;
      long word = TableWord.load(reader.header(), DirectoryWord.offset(place), slot);
      states.add(TableWord.isLive(word) ? "live" : word == TableWord.GONE ? "gone" : "empty");
    }
    return states;
  }
}
