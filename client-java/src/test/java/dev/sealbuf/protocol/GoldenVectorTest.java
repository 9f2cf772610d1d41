package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The exact bytes of every kind of frame, record and word, read and written.
class GoldenVectorTest {
  static List<String> requestVectors() {
    return Vector.framesOf(
        "hello|put|put_many|create|seal|seal_spare|seal_many|abort|open|take|reserve|hold|open_held|map|delete"
            + "|delete_many|list|watch|await_room|holders|stat|ping");
  }

  static List<String> replyVectors() {
    return Vector.framesOf(
        "welcome|published|published_lent|published_many|lent|aborted|opened|taken|reserved|held|mapped|deleted"
            + "|deleted_many|listing|watching|event|room|holding|stats|pong|error");
  }

  @Test
  void everyFrameVectorIsReadByOneOfTheTwoTests() {
    assertThat(requestVectors()).hasSize(32);
    assertThat(replyVectors()).hasSize(22);
    assertThat(Vector.framesOf("\\w+")).hasSize(54);
  }

  @ParameterizedTest
  @MethodSource("requestVectors")
  void requestsDecodeAndEncodeToTheSameBytes(String file) throws Violation {
    Vector vector = Vector.read(file);
    Frame frame = decode(FrameDecoder.ofRequests(), vector);
    assertParts(frame, vector);
    assertThat(Requests.write(Requests.read(frame)).encode()).isEqualTo(vector.bytes());
  }

  @ParameterizedTest
  @MethodSource("replyVectors")
  void repliesDecodeAndEncodeToTheSameBytes(String file) throws Violation {
    Vector vector = Vector.read(file);
    Frame frame = decode(FrameDecoder.ofReplies(), vector);
    assertParts(frame, vector);
    Frame written = Replies.write(Replies.read(frame), frame.descriptors());
    assertThat(written.encode()).isEqualTo(vector.bytes());
  }

  @Test
  void aSealKnowsItsLength() throws Violation {
    Frame frame = decode(FrameDecoder.ofRequests(), Vector.read("frame-seal.hex"));
    assertThat(Requests.read(frame)).isEqualTo(new Request.Seal(5, 2, OptionalLong.of(67_108_863)));
  }

  @Test
  void aTypedPutIsMetadataAndBytes() throws Violation {
    Frame frame = decode(FrameDecoder.ofRequests(), Vector.read("frame-put-typed.hex"));
    Request.Put put = (Request.Put) Requests.read(frame);
    assertThat(put.description())
        .contains(new Description("<q", Optional.of("<M8[ns]"), List.of(2L), List.of(8L)));
    assertThat(UTF_8.decode(put.metadata()).toString()).isEqualTo("UTC");
    assertThat(put.bytes().remaining()).isEqualTo(16);
  }

  @Test
  void theIndexOfATypedBatchDecodesAndEncodesToTheSameBytes() throws Violation {
    ByteBuffer places = Vector.read("frame-seal_many-typed.hex").line("payload").bytes();
    List<BatchIndex.Entry> entries = BatchIndex.readPlaces(places, 2);
    Description one = new Description("<q", Optional.of("<m8[s]"), List.of(), List.of());
    assertThat(entries)
        .containsExactly(
            new BatchIndex.Entry("a", 0, 8, Optional.of(one)), new BatchIndex.Entry("b", 64, 5));
    assertThat(BatchIndex.writePlaces(entries)).isEqualTo(places);
  }

  @Test
  void aListingDecodesAndEncodesToTheSameBytes() throws Violation {
    ByteBuffer payload = Vector.read("frame-listing.hex").line("payload").bytes();
    List<ListingPayload.Entry> entries = ListingPayload.read(payload);
    assertThat(entries)
        .containsExactly(
            new ListingPayload.Entry(
                "batch/1", 4, 3, 3, "B", List.of(3L), 10001, 1_790_000_000_000_001L));
    ListingPayload page = new ListingPayload();
    assertThat(page.add(entries.getFirst())).isTrue();
    assertThat(page.bytes()).isEqualTo(payload);
  }

  @ParameterizedTest
  @ValueSource(strings = {"record-inline.hex", "record-dedicated.hex", "record-typed.hex"})
  void recordsDecode(String file) throws Violation {
    Vector vector = Vector.read(file);
    byte[] name = vector.line("name").array();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment slab = slab(arena, vector);
      assertThat(BufferRecord.isNamed(slab, 0, name)).isTrue();
      assertThat(BufferRecord.isNamed(slab, 0, "another".getBytes(UTF_8))).isFalse();
      assertThat(BufferRecord.read(slab, 0))
          .isEqualTo(
              new BufferRecord(
                  vector.line("name").value(),
                  vector.number("buffer"),
                  vector.number("version"),
                  vector.number("segment"),
                  vector.number("offset"),
                  vector.number("nbytes"),
                  vector.number("created"),
                  vector.number("owner"),
                  description(vector),
                  vector.number("expires")));
      assertThat(BufferRecord.metadata(slab, 0)).isEqualTo(vector.bytesOf("metadata"));
    }
    assertThat(Integer.toUnsignedLong(NameHash.of(name))).isEqualTo(vector.number("hash"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"record-inline.hex", "record-dedicated.hex", "record-typed.hex"})
  void recordsEncodeThroughTheLayout(String file) {
    Vector vector = Vector.read(file);
    MemorySegment record = MemorySegment.ofArray(new long[128]);
    for (MemoryLayout field : RecordLayout.LAYOUT.memberLayouts()) {
      String named = field.name().orElseThrow();
      put(
          record,
          RecordLayout.LAYOUT.byteOffset(PathElement.groupElement(named)),
          field,
          vector.number(named));
    }
    int metadata = vector.bytesOf("metadata").length;
    RecordParts parts =
        RecordParts.of(vector.line("name").array().length, description(vector), metadata);
    copy(vector, "shape", record, RecordLayout.SHAPE);
    copy(vector, "strides", record, parts.strides());
    copy(vector, "name", record, parts.name());
    copy(vector, "format", record, parts.format());
    copy(vector, "typestr", record, parts.typestr());
    copy(vector, "metadata", record, parts.metadata());

    assertThat(parts.bytes()).isEqualTo(vector.number("record_bytes"));
    byte[] encoded = record.asSlice(0, parts.bytes()).toArray(ValueLayout.JAVA_BYTE);
    assertThat(ByteBuffer.wrap(encoded)).isEqualTo(vector.bytes());
  }

  @Test
  void theHeaderDecodesAndEncodesToTheSameBytes() throws Violation {
    Vector vector = Vector.read("header.hex");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment golden = arena.allocate(HeaderLayout.LAYOUT);
      MemorySegment.copy(
          MemorySegment.ofBuffer(vector.bytes()), 0, golden, 0, vector.bytes().remaining());
      HeaderLayout.check(golden);
      assertThat(HeaderLayout.isAlive(golden)).isTrue();
      assertThat(HeaderLayout.daemon(golden)).isEqualTo(vector.number("daemon"));
      assertThat(HeaderLayout.epoch(golden)).isZero();

      MemorySegment written = arena.allocate(HeaderLayout.LAYOUT);
      HeaderLayout.publish(written, vector.number("daemon"));
      LittleEndian.setRelease32(written, HeaderLayout.OWNER, (int) vector.number("owner"));
      assertThat(written.mismatch(golden)).isEqualTo(-1);
    }
  }

  @Test
  void wordsPackAndUnpack() {
    for (Vector.Line line : Vector.read("words.hex").lines()) {
      long word = LittleEndian.order(line.bytes()).getLong();
      String comment = line.value().isEmpty() ? line.field() : line.field() + " = " + line.value();
      switch (comment.split(" ", 2)[0]) {
        case "directory" -> assertDirectoryWord(word, comment);
        case "live" -> assertLiveWord(word, comment);
        case "EMPTY" -> assertThat(word).isEqualTo(TableWord.EMPTY);
        case "GONE" -> assertThat(word).isEqualTo(TableWord.GONE);
        default -> throw new AssertionError(comment);
      }
    }
  }

  private static void assertDirectoryWord(long word, String comment) {
    int log2 = (int) field(comment, "log2_slots");
    long page = field(comment, "page");
    long segment = field(comment, "segment");
    assertThat(DirectoryWord.pack(log2, page, segment)).isEqualTo(word);
    assertThat(DirectoryWord.log2Slots(word)).isEqualTo(log2);
    assertThat(DirectoryWord.page(word)).isEqualTo(page);
    assertThat(DirectoryWord.segment(word)).isEqualTo(segment);
  }

  private static void assertLiveWord(long word, String comment) {
    int tag = (int) field(comment, "tag");
    long slab = field(comment, "slab");
    long offset = field(comment, "offset64") * RecordLayout.ALIGNMENT;
    assertThat(TableWord.pack(tag, slab, offset)).isEqualTo(word);
    assertThat(TableWord.isLive(word)).isTrue();
    assertThat(TableWord.tag(word)).isEqualTo(tag);
    assertThat(TableWord.slab(word)).isEqualTo(slab);
    assertThat(TableWord.offset(word)).isEqualTo(offset);
  }

  private static long field(String comment, String name) {
    Matcher value = Pattern.compile("\\b" + name + " = (\\d+)").matcher(comment);
    assertThat(value.find()).as(comment).isTrue();
    return Long.parseLong(value.group(1));
  }

  private static void put(MemorySegment record, long at, MemoryLayout field, long value) {
    switch (field) {
      case ValueLayout.OfByte u8 -> record.set(u8, at, (byte) value);
      case ValueLayout.OfShort u16 -> record.set(u16, at, (short) value);
      case ValueLayout.OfInt u32 -> record.set(u32, at, (int) value);
      case ValueLayout.OfLong u64 -> record.set(u64, at, value);
      default -> throw new AssertionError(field);
    }
  }

  private static Description description(Vector vector) {
    String typestr = new String(vector.bytesOf("typestr"), UTF_8);
    return new Description(
        vector.line("format").value(),
        typestr.isEmpty() ? Optional.empty() : Optional.of(typestr),
        integers(vector, "shape"),
        integers(vector, "strides"));
  }

  private static List<Long> integers(Vector vector, String field) {
    return Arrays.stream(vector.line(field).value().split(", ")).map(Long::valueOf).toList();
  }

  private static void copy(Vector vector, String field, MemorySegment record, long at) {
    byte[] bytes = vector.bytesOf(field);
    MemorySegment.copy(bytes, 0, record, LittleEndian.U8, at, bytes.length);
  }

  private static MemorySegment slab(Arena arena, Vector record) {
    MemorySegment slab = arena.allocate(RecordLayout.SLAB_BYTES, RecordLayout.ALIGNMENT);
    ByteBuffer bytes = record.bytes();
    return slab.copyFrom(MemorySegment.ofBuffer(bytes));
  }

  private static Frame decode(FrameDecoder decoder, Vector vector) throws FrameException {
    return decoder.next(vector.bytes()).orElseThrow();
  }

  private static void assertParts(Frame frame, Vector vector) {
    assertThat(frame.descriptors()).isEqualTo((int) vector.number("descriptors"));
    assertThat(frame.head()).isEqualTo(vector.line("head").bytes());
    assertThat(frame.payload()).isEqualTo(vector.line("payload").bytes());
  }
}
