package dev.sealbuf.server.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.RecordPlaces;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.server.TestClient;
import dev.sealbuf.server.TestDaemon;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What is said of a buffer over a real socket, and what the record in the slab says then.
@Tag("daemon")
@ExtendWith(LeakCheck.class)
@Timeout(60)
final class DescriptionsTest {
  private static final OptionalLong NONE = OptionalLong.empty();
  private static final Description MATRIX =
      new Description("<d", List.of(2L, 3L), List.of(24L, 8L));
  private static final Description TIME =
      new Description("<q", Optional.of("<M8[ns]"), List.of(), List.of());

  private TestDaemon daemon;
  private TestClient client;

  @BeforeEach
  void start() {
    daemon = new TestDaemon();
    client = daemon.open();
  }

  @AfterEach
  void stop() {
    client.close();
    daemon.close();
  }

  @Test
  void aPutIsDescribedByItsRecordAndTheListing() {
    ByteBuffer payload = ByteBuffer.allocate(51).put(new byte[] {0, -1, 7}).putLong(42).rewind();

    Reply.Published made = (Reply.Published) client.ask(put(MATRIX, 3, payload));

    Found found = open("a");
    assertThat(found.record.description()).isEqualTo(MATRIX);
    assertThat(found.record.nbytes()).isEqualTo(48);
    assertThat(found.record.version()).isEqualTo(made.version());
    assertThat(found.metadata).isEqualTo(bytes(0, -1, 7));
    assertThat(found.bytes.getLong()).isEqualTo(42);
    Reply.Listing listing = (Reply.Listing) client.ask(new Request.ListNames(2, "", 10, 0));
    assertThat(UTF_8.decode(listing.payload().duplicate()).toString())
        .contains("\"nbytes\":48,\"format\":\"<d\",\"shape\":[2,3],");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65_535})
  void metadataIsKeptByteForByte(int length) {
    byte[] metadata = new byte[length];
    new Random(length).nextBytes(metadata);
    byte[] payload = Arrays.copyOf(metadata, length + 5);
    payload[length] = 'x';

    client.ask(
        new Request.Put(
            1,
            Optional.of("a"),
            NONE,
            false,
            NONE,
            false,
            Optional.empty(),
            OptionalLong.of(length),
            ByteBuffer.wrap(payload)));

    Found found = open("a");
    assertThat(found.metadata).isEqualTo(ByteBuffer.wrap(metadata));
    assertThat(found.bytes).isEqualTo(bytes('x', 0, 0, 0, 0));
    assertThat(found.record.description()).isEqualTo(Description.bytes(5));
  }

  @Test
  void moreMetadataIsRefused() {
    assertThat(client.ask(put(Description.bytes(0), 65_536, ByteBuffer.allocate(65_536))))
        .isEqualTo(
            refused("integer out of bounds: field=metadata_bytes value=65536 min=0 max=65535"));
    assertThat(client.ask(put(Description.bytes(0), 6, ByteBuffer.allocate(5))))
        .isEqualTo(refused("integer out of bounds: field=metadata_bytes value=6 min=0 max=5"));
    assertThat(client.ask(create(5, Optional.empty(), ByteBuffer.allocate(65_536))))
        .isEqualTo(refused("metadata too long: payload_bytes=65536 max=65535"));
    assertThat(client.ask(create(5, Optional.empty(), ByteBuffer.allocate(65_535))))
        .isInstanceOf(Reply.Lent.class);
  }

  @Test
  void theLargestPutHasTheLongestRecord() {
    int ndim = Limits.NDIM_MAX;
    String format = "b:" + "n".repeat(Limits.FORMAT_MAX - 3) + ":";
    int metadata = Limits.METADATA_MAX;
    for (int round = 0; round < 12; round++) {
      long nbytes = Limits.PUT_MAX;
      List<Long> shape = IntStream.range(0, ndim).mapToObj(i -> i == 0 ? nbytes : 1L).toList();
      Description rows = new Description(format, shape, Collections.nCopies(ndim, 1L));
      Request put =
          new Request.Put(
              1,
              Optional.of("large/" + round),
              NONE,
              false,
              NONE,
              false,
              Optional.of(rows),
              OptionalLong.of(metadata),
              ByteBuffer.allocate(metadata + (int) nbytes));
      assertThat(client.ask(put)).isInstanceOf(Reply.Published.class);
      assertThat(open("large/" + round).record.description()).isEqualTo(rows);
    }
  }

  @Test
  void aCreatedBufferIsDescribedWhenItIsSealed() {
    ByteBuffer metadata = ByteBuffer.wrap("unit=m".getBytes(UTF_8));
    Reply.Lent lent = (Reply.Lent) client.ask(create(48, Optional.of(MATRIX), metadata));

    assertThat(seal(lent, NONE)).isInstanceOf(Reply.Published.class);

    Found found = open("a");
    assertThat(found.record.description()).isEqualTo(MATRIX);
    assertThat(found.record.segment()).isEqualTo(lent.segment());
    assertThat(found.metadata).isEqualTo(metadata);
  }

  @Test
  void aSealMayTakeWholeItemsOffTheFirstAxis() {
    Reply.Lent lent = (Reply.Lent) client.ask(create(48, Optional.of(MATRIX), Request.NO_PAYLOAD));

    assertThat(client.ask(new Request.Seal(1, lent.buffer(), OptionalLong.of(40))))
        .isEqualTo(
            refused(
                "a described buffer in C order is shortened by whole items of its first axis:"
                    + " nbytes=40 shape=[2,3] strides=[24,8]"));
    assertThat(seal(lent, OptionalLong.of(24))).isInstanceOf(Reply.Published.class);

    BufferRecord record = open("a").record;
    assertThat(record.nbytes()).isEqualTo(24);
    assertThat(record.description())
        .isEqualTo(new Description("<d", List.of(1L, 3L), List.of(24L, 8L)));
  }

  @Test
  void aBufferThatNobodyDescribedIsShortenedAnywhere() {
    Reply.Lent lent =
        (Reply.Lent) client.ask(create(48, Optional.empty(), ByteBuffer.wrap(new byte[] {9})));

    assertThat(seal(lent, OptionalLong.of(17))).isInstanceOf(Reply.Published.class);

    assertThat(open("a").record.description()).isEqualTo(Description.bytes(17));
    assertThat(open("a").metadata).isEqualTo(bytes(9));
  }

  @Test
  void aReservationIsFulfilledWithADescription() {
    Reply.Reserved right = (Reply.Reserved) client.ask(new Request.Reserve(1, "a", NONE));
    Reply.Lent lent =
        (Reply.Lent)
            client.ask(
                new Request.Create(
                    1,
                    Optional.empty(),
                    8,
                    OptionalLong.of(right.buffer()),
                    false,
                    NONE,
                    false,
                    false,
                    Optional.of(TIME),
                    ByteBuffer.wrap(new byte[] {1})));
    assertThat(seal(lent, NONE)).isInstanceOf(Reply.Published.class);
    assertThat(open("a").record.description()).isEqualTo(TIME);
    assertThat(open("a").metadata).isEqualTo(bytes(1));
  }

  @Test
  void theBuffersOfABatchAreDescribedOneByOne() throws IOException {
    List<BatchIndex.Entry> entries =
        List.of(
            new BatchIndex.Entry("m", 0, 48, Optional.of(MATRIX)),
            new BatchIndex.Entry("bytes", 48, 5),
            new BatchIndex.Entry("t", 53, 8, Optional.of(TIME)));
    assertThat(client.ask(putMany(entries))).isInstanceOf(Reply.PublishedMany.class);
    assertThat(open("m").record.description()).isEqualTo(MATRIX);
    assertThat(open("bytes").record.description()).isEqualTo(Description.bytes(5));
    assertThat(open("t").record.description()).isEqualTo(TIME);
    assertThat(open("t").metadata).isEqualTo(bytes());
  }

  @Test
  void theBuffersInASegmentAreDescribedOneByOne() throws Exception {
    Reply.Lent lent = (Reply.Lent) client.ask(createBatch(Optional.empty(), Request.NO_PAYLOAD));
    closeDescriptors();
    List<BatchIndex.Entry> entries =
        List.of(
            new BatchIndex.Entry("m", 0, 48, Optional.of(MATRIX)),
            new BatchIndex.Entry("t", 64, 8, Optional.of(TIME)));
    ByteBuffer index = BatchIndex.writePlaces(entries);

    Reply.PublishedMany made =
        (Reply.PublishedMany) client.ask(new Request.SealMany(1, lent.buffer(), 2, index));

    assertThat(RecordPlaces.read(made.payload(), 2)).hasSize(2);
    assertThat(open("m").record.description()).isEqualTo(MATRIX);
    assertThat(open("t").record.description()).isEqualTo(TIME);
  }

  @Test
  void aBatchWithOneWrongDescriptionIsRefusedWhole() {
    Description wrong = new Description("<d", List.of(2L), List.of(8L));
    List<BatchIndex.Entry> entries =
        List.of(
            new BatchIndex.Entry("m", 0, 48, Optional.of(MATRIX)),
            new BatchIndex.Entry("w", 64, 24, Optional.of(wrong)));
    String rule = "items fill the buffer: items=2 item_bytes=8 nbytes=24";
    assertThat(client.ask(putMany(entries))).isEqualTo(refused(rule));
    Reply.Lent lent = (Reply.Lent) client.ask(createBatch(Optional.empty(), Request.NO_PAYLOAD));
    closeDescriptors();
    ByteBuffer index = BatchIndex.writePlaces(entries);
    assertThat(client.ask(new Request.SealMany(1, lent.buffer(), 2, index)))
        .isEqualTo(refused(rule));
    assertThat(client.ask(new Request.Open(1, "m", NONE))).isInstanceOf(Reply.Failure.class);
    assertThat(
            client.ask(
                new Request.SealMany(
                    1, lent.buffer(), 1, BatchIndex.writePlaces(entries.subList(0, 1)))))
        .isInstanceOf(Reply.PublishedMany.class);
  }

  @Test
  void aBatchIsDescribedWhenItIsSealed() {
    Reply rule =
        refused("the buffers of a batch are described when it is sealed, and have no metadata");
    assertThat(client.ask(createBatch(Optional.of(MATRIX), Request.NO_PAYLOAD))).isEqualTo(rule);
    assertThat(client.ask(createBatch(Optional.empty(), ByteBuffer.allocate(1)))).isEqualTo(rule);
  }

  @Test
  void aBatchWhoseRecordsFillMoreThanASlabIsRefused() {
    String format = "b:" + "n".repeat(1500) + ":";
    List<Long> axes = Collections.nCopies(64, 1L);
    Optional<Description> large = Optional.of(new Description(format, axes, axes));
    List<BatchIndex.Entry> entries =
        IntStream.range(0, 1024)
            .mapToObj(i -> new BatchIndex.Entry("n" + i, i * 64L, 1, large))
            .toList();
    Reply.Lent lent = (Reply.Lent) client.ask(createBatch(Optional.empty(), Request.NO_PAYLOAD));
    closeDescriptors();

    assertThat(
            client.ask(
                new Request.SealMany(1, lent.buffer(), 1024, BatchIndex.writePlaces(entries))))
        .isEqualTo(refused("a batch fits into one slab: record_bytes=2686976 max=2097152"));
    assertThat(
            client.ask(
                new Request.SealMany(
                    1, lent.buffer(), 700, BatchIndex.writePlaces(entries.subList(0, 700)))))
        .isInstanceOf(Reply.PublishedMany.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '#',
      value = {
        "\"format\":\"<d\"                             # a description has format, shape and strides:"
            + " missing=shape",
        "\"typestr\":\"<M8[s]\"                        # a description has format, shape and strides:"
            + " missing=format",
        "\"format\":\"<d\",\"shape\":[1]               # a description has format, shape and strides:"
            + " missing=strides",
        "\"format\":1,\"shape\":[1],\"strides\":[8]    # field must be a string: field=format",
        "\"format\":\"d\",\"shape\":1,\"strides\":[8]  # field must be an array of integers:"
            + " field=shape",
        "\"format\":\"d\",\"shape\":[1.5],\"strides\":[8] # field must be an array of integers:"
            + " field=shape",
        "\"format\":\"d\",\"shape\":[[1]],\"strides\":[8] # field must be an array of integers:"
            + " field=shape",
        "\"format\":\"d\",\"shape\":[-1],\"strides\":[8] # integer out of bounds: field=shape"
            + " value=-1 min=0 max=9007199254740991",
        "\"format\":\"O\",\"shape\":[1],\"strides\":[8] # an item is not a pointer: code=O"
            + " format_at=0",
        "\"format\":\"\",\"shape\":[1],\"strides\":[8] # format is empty: bytes=0 min=1",
        "\"format\":\"d\",\"shape\":[1],\"strides\":[4] # items are as large as their format says:"
            + " item_bytes=4 format=8",
        "\"format\":\"d\",\"shape\":[2],\"strides\":[8] # items fill the buffer: items=2"
            + " item_bytes=8 nbytes=8",
        "\"format\":\"b\",\"shape\":[4,2],\"strides\":[1,1] # strides are those of a contiguous"
            + " array in C or Fortran order: shape=[4,2] strides=[1,1]",
        "\"format\":\"d\",\"shape\":[],\"strides\":[8] # each axis has a stride: shape=[]"
            + " strides=[8]",
      })
  void aWrongDescriptionIsRefused(String fields, String message) {
    client.send(
        TestClient.frame("{\"op\":\"create\",\"seq\":1,\"nbytes\":8," + fields.strip() + "}"));
    assertThat(client.receive()).isEqualTo(refused(message));
  }

  @Test
  void sixtyFourAxesAreTakenAndMoreAreNot() {
    for (int count : List.of(64, 65, 20_000)) {
      String ones = String.join(",", Collections.nCopies(count, "1"));
      client.send(
          TestClient.frame(
              "{\"op\":\"create\",\"seq\":1,\"nbytes\":1,\"format\":\"b\",\"shape\":["
                  + ones
                  + "],\"strides\":[1]}"));
      String rule =
          count > 64
              ? "too many axes: min=65 max=64"
              : "each axis has a stride: shape=[" + ones + "] strides=[1]";
      assertThat(client.receive()).isEqualTo(refused(rule));
    }
  }

  private static Request put(Description description, long metadataBytes, ByteBuffer payload) {
    return new Request.Put(
        1,
        Optional.of("a"),
        NONE,
        false,
        NONE,
        false,
        Optional.of(description),
        OptionalLong.of(metadataBytes),
        payload);
  }

  private static Request create(
      long nbytes, Optional<Description> description, ByteBuffer metadata) {
    return new Request.Create(
        1, Optional.of("a"), nbytes, NONE, false, NONE, false, false, description, metadata);
  }

  private static Request createBatch(Optional<Description> description, ByteBuffer metadata) {
    return new Request.Create(
        1, Optional.empty(), 100_000, NONE, false, NONE, false, true, description, metadata);
  }

  private static Request putMany(List<BatchIndex.Entry> entries) {
    ByteBuffer index = BatchIndex.writeLengths(entries);
    int sum = (int) entries.stream().mapToLong(BatchIndex.Entry::nbytes).sum();
    ByteBuffer payload = ByteBuffer.allocate(index.remaining() + sum).put(index.duplicate());
    return new Request.PutMany(
        1, entries.size(), index.remaining(), false, NONE, false, payload.rewind());
  }

  private Reply seal(Reply.Lent lent, OptionalLong nbytes) {
    closeDescriptors();
    return client.ask(new Request.Seal(1, lent.buffer(), nbytes));
  }

  private void closeDescriptors() {
    client.descriptors().forEach(Fd::close);
  }

  private static ByteBuffer bytes(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length);
    for (int value : values) {
      bytes.put((byte) value);
    }
    return bytes.flip();
  }

  private static Reply refused(String message) {
    return new Reply.Failure(1, "invalid_request", message);
  }

  private record Found(BufferRecord record, ByteBuffer metadata, ByteBuffer bytes) {}

  /// What a reader finds who maps the slab.
  private Found open(String name) {
    try (TestClient reader = daemon.open()) {
      Reply.Opened opened = (Reply.Opened) reader.ask(new Request.Open(1, name, NONE));
      Fd slab = reader.descriptors().get(1);
      try (Mapping mapping = Mapping.readOnly(slab, opened.slabBytes())) {
        BufferRecord record = BufferRecord.read(mapping.segment(), opened.record());
        byte[] bytes =
            record.segment() != 0
                ? new byte[0]
                : mapping
                    .segment()
                    .asSlice(record.offset(), record.nbytes())
                    .toArray(ValueLayout.JAVA_BYTE);
        byte[] metadata = BufferRecord.metadata(mapping.segment(), opened.record());
        return new Found(record, ByteBuffer.wrap(metadata), ByteBuffer.wrap(bytes));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (LayoutException e) {
      throw new AssertionError(e);
    }
  }
}
