package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.ListingPayload;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.TableWord;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class ListingTest {
  private TestStore store;

  @BeforeEach
  void open() {
    store = new TestStore();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void anEmptyStoreHasNoEntries() throws Refusal, HeadException {
    assertThat(all("", Limits.LIST_MAX, _ -> {})).isEmpty();
  }

  @Test
  void entriesSayWhatTheRecordSays() throws Refusal, HeadException {
    Publication small = store.put(TestStore.PRODUCER, "small", "12345");
    Publication large = store.publish(TestStore.READER, "large", new byte[300_000]);

    assertThat(all("", Limits.LIST_MAX, _ -> {}))
        .containsExactlyInAnyOrder(
            new ListingPayload.Entry(
                "small",
                small.buffer(),
                small.version(),
                5,
                "B",
                List.of(5L),
                TestStore.PRODUCER.uid(),
                small.created()),
            new ListingPayload.Entry(
                "large",
                large.buffer(),
                large.version(),
                300_000,
                "B",
                List.of(300_000L),
                TestStore.READER.uid(),
                large.created()));
  }

  @Test
  void everyNameIsListedOnceWhateverTheLimit() throws Refusal, HeadException {
    List<String> names = putMany("n-", 500);

    for (int limit : List.of(1, 7, Limits.LIST_MAX)) {
      assertThat(all("", limit, _ -> {}))
          .extracting(ListingPayload.Entry::name)
          .containsExactlyInAnyOrderElementsOf(names);
    }
  }

  @Test
  void onlyNamesWithThePrefixAreListed() throws Refusal, HeadException {
    putMany("other-", 50);
    List<String> names = putMany("größe/", 50);

    assertThat(all("größe/", 20, _ -> {}))
        .extracting(ListingPayload.Entry::name)
        .containsExactlyInAnyOrderElementsOf(names);
    assertThat(all("nothing", 20, _ -> {})).isEmpty();
  }

  @Test
  void whoLivesThroughoutIsListedOnceWhileOthersComeAndGo() throws Refusal, HeadException {
    List<String> lasting = putMany("lasting-", 300);
    putMany("passing-", 300);
    int[] page = {0};

    List<ListingPayload.Entry> entries =
        all(
            "",
            10,
            _ -> {
              int number = page[0]++ % 300;
              delete("passing-" + number);
              put("new-" + page[0]);
            });

    assertThat(entries)
        .extracting(ListingPayload.Entry::name)
        .filteredOn(name -> name.startsWith("lasting-"))
        .containsExactlyInAnyOrderElementsOf(lasting);
    assertThat(entries).extracting(ListingPayload.Entry::name).doesNotHaveDuplicates();
  }

  @Test
  void aPageOfTheLongestNamesStaysBelowThePayloadLimit() throws Refusal {
    for (int i = 0; i < 1000; i++) {
      put("\"".repeat(250) + "%05d".formatted(i));
    }

    for (long cursor = 0, page = 0; cursor != 0 || page == 0; page++) {
      long from = cursor;
      Page listed = store.on(each -> each.list("", Limits.LIST_MAX, from, OptionalLong.empty()));
      assertThat(listed.json().remaining()).isLessThanOrEqualTo(Limits.PAGE_MAX);
      cursor = listed.cursor();
    }
  }

  @Test
  void limitsAndCursorsOutOfBoundsAreRefused() {
    Refused.with(
        ErrorCode.INVALID_REQUEST,
        "limit out of bounds: limit=0 min=1 max=1000",
        () -> store.on(each -> each.list("", 0, 0, OptionalLong.empty())));
    Refused.with(
        ErrorCode.INVALID_REQUEST,
        "limit out of bounds: limit=1001 min=1 max=1000",
        () -> store.on(each -> each.list("", 1001, 0, OptionalLong.empty())));
    for (long cursor : List.of(-1L, 1L << 52, 1L << 24 | 1L << 15, Long.MAX_VALUE)) {
      Refused.with(
          ErrorCode.INVALID_REQUEST,
          "no page ended with this cursor: cursor=" + cursor,
          () -> store.on(each -> each.list("", 1, cursor, OptionalLong.empty())));
    }
    Refused.with(
        ErrorCode.INVALID_NAME,
        "name has a control character: char=U+0000 at=0",
        () -> store.on(each -> each.list("\0", 1, 0, OptionalLong.empty())));
  }

  @Test
  void aCursorIntoAPayloadFindsNothingThere() throws Refusal, HeadException {
    List<String> spilling = Collisions.names(TableWord.WINDOW + 1);
    spilling.forEach(this::put);
    int hash = NameHash.of(spilling.getFirst().getBytes(StandardCharsets.US_ASCII));
    ByteBuffer payload = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < payload.capacity(); at += RecordLayout.ALIGNMENT) {
      payload.putInt(at + (int) RecordLayout.HASH, hash);
    }
    Publication made = store.put(TestStore.PRODUCER, "made-up", payload.array());

    long cursor = new Place(made.slab(), made.record() + 512).packed();
    Page page = store.on(each -> each.list("", Limits.LIST_MAX, cursor, OptionalLong.empty()));

    assertThat(ListingPayload.read(page.json())).isEmpty();
  }

  private List<ListingPayload.Entry> all(String prefix, int limit, Consumer<Page> between)
      throws Refusal, HeadException {
    List<ListingPayload.Entry> entries = new ArrayList<>();
    long cursor = 0;
    OptionalLong until = OptionalLong.empty();
    do {
      long from = cursor;
      OptionalLong bound = until;
      Page page = store.on(each -> each.list(prefix, limit, from, bound));
      until = OptionalLong.of(page.until());
      assertThat(page.count()).isLessThanOrEqualTo(limit);
      List<ListingPayload.Entry> read = ListingPayload.read(page.json());
      assertThat(read).hasSize(page.count());
      entries.addAll(read);
      cursor = page.cursor();
      between.accept(page);
    } while (cursor != 0);
    return entries;
  }

  private List<String> putMany(String prefix, int count) {
    List<String> names = IntStream.range(0, count).mapToObj(i -> prefix + i).toList();
    names.forEach(this::put);
    return names;
  }

  private void put(String name) {
    try {
      store.put(TestStore.PRODUCER, name, "x");
    } catch (Refusal e) {
      throw new AssertionError(e);
    }
  }

  private void delete(String name) {
    try {
      store.delete(TestStore.PRODUCER, name);
    } catch (Refusal e) {
      throw new AssertionError(e);
    }
  }
}
