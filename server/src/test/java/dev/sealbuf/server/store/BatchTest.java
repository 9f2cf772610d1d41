package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Several buffers are published together, all or none.
@ExtendWith(LeakCheck.class)
class BatchTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;

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
  void allAreThereWithIdsAndVersionsInStepsOfOne() throws Refusal {
    Publication before = store.put(PRODUCER, "before", "x");

    BatchPublication batch = putMany(entries("a", 1, "b", 0, "c", 5));

    assertThat(batch.buffer()).isEqualTo(before.buffer() + 1);
    assertThat(batch.version()).isEqualTo(before.version() + 1);
    assertThat(batch.places()).hasSize(3);
    int at = 0;
    for (String name : List.of("a", "b", "c")) {
      BufferRecord record = reader.find(name).orElseThrow().record();
      assertThat(record.buffer()).isEqualTo(batch.buffer() + at);
      assertThat(record.version()).isEqualTo(batch.version() + at);
      assertThat(record.created()).isEqualTo(batch.created());
      at++;
    }
    assertThat(reader.get("a")).hasValue(new byte[] {0});
    assertThat(reader.get("b")).hasValue(new byte[0]);
    assertThat(reader.get("c")).hasValue(new byte[] {1, 2, 3, 4, 5});
  }

  @Test
  void aBatchMayBeginInOneSlabAndEndInTheNext() throws Refusal {
    for (int round = 0; round < 4; round++) {
      List<BatchIndex.Entry> index = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        index.add(new BatchIndex.Entry("n" + round + "/" + i, i * 1000L, 1000));
      }
      putMany(index);
    }

    assertThat(store.statistics().slabs()).isEqualTo(3);
    assertThat(store.statistics().buffers()).isEqualTo(4000);
    assertThat(reader.get("n3/999").orElseThrow())
        .isEqualTo(Arrays.copyOfRange(payload(1_000_000).array(), 999_000, 1_000_000));
  }

  @Test
  void nothingIsPublishedWhenOneCannotBe() throws Refusal {
    store.put(PRODUCER, "taken", "x");
    Statistics before = store.statistics();

    refused(
        ErrorCode.ALREADY_EXISTS,
        "a buffer has this name already: name=taken",
        entries("a", 1, "taken", 1));
    refused(
        ErrorCode.ALREADY_EXISTS, "a batch has each name once: name=a", entries("a", 1, "a", 1));
    refused(
        ErrorCode.INVALID_NAME,
        "name has a control character: char=U+000A at=1",
        entries("a", 1, "b\n", 1));
    refused(
        ErrorCode.INVALID_REQUEST,
        "a batch carries small buffers: nbytes=262145 max=262144",
        entries("a", Limits.PUT_MAX + 1));
    refused(
        ErrorCode.INVALID_REQUEST,
        "batch too large: nbytes=1048577 max=1048576",
        entries(
            "a",
            Limits.PUT_MAX,
            "b",
            Limits.PUT_MAX,
            "c",
            Limits.PUT_MAX,
            "d",
            Limits.PUT_MAX,
            "e",
            1));
    refused(ErrorCode.INVALID_REQUEST, "a batch has 1 to 1024 buffers: count=0", List.of());
    refused(
        ErrorCode.INVALID_REQUEST,
        "a batch has 1 to 1024 buffers: count=1025",
        IntStream.range(0, 1025).mapToObj(i -> new BatchIndex.Entry("n" + i, 0, 0)).toList());

    assertThat(reader.find("a")).isEmpty();
    assertThat(store.statistics())
        .usingRecursiveComparison()
        .ignoringFields("uptimeSeconds")
        .isEqualTo(before);
  }

  @Test
  void aPayloadThatIsNotWhatTheIndexSaysIsRefused() {
    Refused.with(
        ErrorCode.INVALID_REQUEST,
        "the index says how long the payload is: nbytes=5 payload_bytes=4",
        () ->
            store.on(each ->
                each.putMany(PRODUCER, entries("a", 5), ByteBuffer.allocate(4), Terms.PLAIN)));
  }

  @Test
  void withoutRoomForAllNoneIsPublished() throws Refusal {
    try (TestStore small = new TestStore(StoreConfig.CAPACITY_MIN, TestStore.SEGMENTS_MAX)) {
      List<BatchIndex.Entry> index =
          IntStream.range(0, 1000)
              .mapToObj(i -> new BatchIndex.Entry("n" + i, i * 1000L, 1000))
              .toList();
      List<BatchIndex.Entry> more =
          index.stream()
              .map(entry -> new BatchIndex.Entry("m" + entry.name(), entry.offset(), 1000))
              .toList();
      small.on(each -> each.putMany(PRODUCER, index, payload(1_000_000), Terms.PLAIN));

      Refused.with(
          ErrorCode.STORE_FULL,
          "no room below the capacity: requested=2097152 used=%1$d capacity=%1$d"
              .formatted(StoreConfig.CAPACITY_MIN),
          () -> small.on(each -> each.putMany(PRODUCER, more, payload(1_000_000), Terms.PLAIN)));
      assertThat(small.statistics().buffers()).isEqualTo(1000);
    }
  }

  @Test
  void severalBuffersShareOneSegmentUntilTheLastNameGoes() throws Refusal {
    byte[] bytes = payload(1000).array();
    List<BatchIndex.Entry> index =
        List.of(
            new BatchIndex.Entry("a", 0, 100),
            new BatchIndex.Entry("b", 128, 872),
            new BatchIndex.Entry("c", 1000 / 64 * 64, 0));

    BatchPublication batch = store.publishMany(PRODUCER, index, bytes, Terms.PLAIN);

    assertThat(batch.places()).hasSize(3);
    assertThat(store.statistics().dedicated()).isEqualTo(1);
    assertThat(reader.get("a")).hasValue(Arrays.copyOfRange(bytes, 0, 100));
    assertThat(reader.get("b")).hasValue(Arrays.copyOfRange(bytes, 128, 1000));
    assertThat(reader.get("c")).hasValue(new byte[0]);
    store.delete(PRODUCER, "a");
    store.delete(PRODUCER, "c");
    assertThat(store.statistics().dedicated()).isEqualTo(1);
    assertThat(reader.get("b")).hasValue(Arrays.copyOfRange(bytes, 128, 1000));
    store.delete(PRODUCER, "b");
    store.await(figures -> figures.dedicated() == 0);
  }

  @Test
  void aBatchThatCannotBePublishedCanBeSealedAgain() throws Refusal {
    store.put(PRODUCER, "taken", "x");
    Loan loan = store.later(each -> each.createBatch(PRODUCER, 200, Terms.PLAIN));
    TestStore.write(loan, payload(200).array());

    for (var wrong :
        List.of(
            List.of(
                "a buffer of a batch begins at a multiple of 64: offset=63",
                new BatchIndex.Entry("a", 63, 1)),
            List.of(
                "a buffer of a batch lies in its segment: offset=192 nbytes=9 created=200",
                new BatchIndex.Entry("a", 192, 9)))) {
      Refused.with(
          ErrorCode.INVALID_REQUEST,
          (String) wrong.getFirst(),
          () -> sealMany(loan, List.of((BatchIndex.Entry) wrong.getLast())));
    }
    Refused.with(
        ErrorCode.ALREADY_EXISTS,
        "a buffer has this name already: name=taken",
        () ->
            sealMany(
                loan,
                List.of(new BatchIndex.Entry("a", 0, 1), new BatchIndex.Entry("taken", 64, 1))));
    assertThat(reader.find("a")).isEmpty();
    Refused.with(
        ErrorCode.INVALID_REQUEST,
        "one buffer is sealed by seal, a batch by seal_many: buffer=%d batch=true"
            .formatted(loan.buffer()),
        () -> store.seal(PRODUCER, loan));

    sealMany(loan, List.of(new BatchIndex.Entry("a", 64, 2)));
    assertThat(reader.get("a")).hasValue(new byte[] {64, 65});
  }

  /// A session may have many seals in work, and each keeps its index.
  @Test
  void theIndexesOfBatchesThatAreBeingSealedAreBoundedByTheHeap() throws Refusal {
    List<BatchIndex.Entry> index = longIndex();
    long places = Math.ceilDiv(Batch.heapBytes(index), 1024);
    long max = Runtime.getRuntime().maxMemory() / 8 / 1024;
    long maxOfUid = max - max / 4;
    long fit = maxOfUid / places;
    List<Loan> loans = new ArrayList<>();
    for (int i = 0; i <= fit; i++) {
      loans.add(lent(PRODUCER));
    }

    List<CompletableFuture<BatchPublication>> seals =
        store.on(each -> {
          List<CompletableFuture<BatchPublication>> asked =
              loans.stream()
                  .map(loan -> each.sealMany(PRODUCER, loan.buffer(), index).toCompletableFuture())
                  .toList();
          each.endSession(PRODUCER.session());
          return asked;
        });

    assertThatThrownBy(seals.getLast()::get)
        .hasCauseInstanceOf(Refusal.class)
        .cause()
        .hasMessage(
            "too many KiB of metadata and descriptions: count=%d max=%d of_uid=%d max_of_uid=%d",
            fit * places, max, fit * places, maxOfUid);
    for (int i = 0; i < fit; i++) {
      assertThatThrownBy(seals.get(i)::get)
          .cause()
          .hasMessage("the buffer was aborted meanwhile: buffer=" + loans.get(i).buffer());
    }
    Peer next = new Peer(9, PRODUCER.uid());
    Loan loan = lent(next);
    store.later(each -> each.sealMany(next, loan.buffer(), index));
  }

  private Loan lent(Peer peer) throws Refusal {
    Loan loan = store.later(each -> each.createBatch(peer, 1, Terms.PLAIN));
    TestStore.close(loan.descriptors());
    return loan;
  }

  /// As long as one may be: with all axes that there may be.
  private static List<BatchIndex.Entry> longIndex() {
    List<Long> axes = Collections.nCopies(Limits.NDIM_MAX, 1L);
    Optional<Description> one = Optional.of(new Description("B", axes, axes));
    return IntStream.range(0, Limits.BATCH_MAX)
        .mapToObj(i -> new BatchIndex.Entry("n" + i, 0, 1, one))
        .toList();
  }

  private BatchPublication sealMany(Loan loan, List<BatchIndex.Entry> index) throws Refusal {
    return store.later(each -> each.sealMany(PRODUCER, loan.buffer(), index));
  }

  private void refused(ErrorCode code, String message, List<BatchIndex.Entry> index) {
    Refused.with(code, message, () -> putMany(index));
  }

  private BatchPublication putMany(List<BatchIndex.Entry> index) throws Refusal {
    long bytes = index.stream().mapToLong(BatchIndex.Entry::nbytes).sum();
    return store.on(each -> each.putMany(PRODUCER, index, payload((int) bytes), Terms.PLAIN));
  }

  /// Names and lengths by turns.
  private static List<BatchIndex.Entry> entries(Object... parts) {
    List<BatchIndex.Entry> entries = new ArrayList<>();
    long offset = 0;
    for (int i = 0; i < parts.length; i += 2) {
      int nbytes = (int) parts[i + 1];
      entries.add(new BatchIndex.Entry((String) parts[i], offset, nbytes));
      offset += nbytes;
    }
    return entries;
  }

  private static ByteBuffer payload(int bytes) {
    ByteBuffer payload = ByteBuffer.allocate(bytes);
    for (int i = 0; i < bytes; i++) {
      payload.put(i, (byte) i);
    }
    return payload;
  }
}
