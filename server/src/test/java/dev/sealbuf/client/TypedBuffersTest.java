package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Types, shapes and metadata, through every verb that takes or shows them.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class TypedBuffersTest {
  private static final Shape ROW = Shape.of(ElementType.FLOAT32, 3);
  private static final Shape LARGE = Shape.ofFortran(ElementType.INT32, 300, 400);
  private static final byte[] METADATA = "{\"mean\":0.5}".getBytes(UTF_8);

  private Sealbuf store;

  @BeforeEach
  void connect() {
    store = DaemonProcess.shared().connect();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void whatWasNotDescribedIsBytes() {
    store.put("typed/bytes", new byte[7]);
    try (SealedBuffer buffer = store.get("typed/bytes")) {
      assertThat(buffer.shape()).isEqualTo(Shape.of(ElementType.UINT8, 7));
      assertThat(buffer.elementType()).isEqualTo(ElementType.UINT8);
      assertThat(buffer.format()).isEqualTo("B");
      assertThat(buffer.strides()).containsExactly(1L);
      assertThat(buffer.metadata()).isEmpty();
    }
  }

  @Test
  void aShapeTravelsWithSmallAndWithLargeBuffers() {
    for (Shape shape : List.of(ROW, LARGE)) {
      String name = "typed/put/" + shape.nbytes();
      byte[] content = Content.of(name, Math.toIntExact(shape.nbytes()));
      PutOptions options = PutOptions.NONE.withShape(shape).withMetadata(METADATA);
      BufferInfo put = store.put(name, content, options);
      try (SealedBuffer buffer = store.get(name)) {
        assertThat(buffer.toByteArray()).isEqualTo(content);
        shows(buffer, shape);
        assertThat(buffer.info()).isEqualTo(put);
        assertThat(store.list(name)).containsExactly(put);
      }
      try (SealedBuffer taken = store.take(name)) {
        shows(taken, shape);
      }
    }
  }

  @Test
  void itemsAreWrittenInPlaceWhereTheirOffsetIs() {
    Shape shape = Shape.of(ElementType.FLOAT64, 2, 3);
    PutOptions options = PutOptions.NONE.withMetadata(METADATA);
    try (BufferWriter writer = store.create("typed/place", shape, options)) {
      assertThat(writer.shape()).isEqualTo(shape);
      assertThat(writer.elementType()).isEqualTo(ElementType.FLOAT64);
      assertThat(writer.format()).isEqualTo("d");
      assertThat(writer.strides()).isEqualTo(shape.strides());
      assertThat(writer.metadata()).isEqualTo(METADATA);
      assertThat(writer.nbytes()).isEqualTo(48);
      writer.segment().set(ValueLayout.JAVA_DOUBLE, shape.offset(1, 2), 4.5);
      try (SealedBuffer sealed = writer.seal()) {
        shows(sealed, shape);
        assertThat(store.list("typed/place")).containsExactly(sealed.info());
      }
    }
    try (SealedBuffer buffer = store.get("typed/place")) {
      shows(buffer, shape);
      assertThat(buffer.segment().get(ValueLayout.JAVA_DOUBLE, shape.offset(1, 2))).isEqualTo(4.5);
      assertThat(buffer.segment().get(ValueLayout.JAVA_DOUBLE, 0)).isZero();
    }
  }

  @Test
  void aByteBufferIsLittleEndianLikeWhatItShows() {
    try (BufferWriter writer = store.create("typed/order", Shape.of(ElementType.INT32, 2))) {
      assertThat(writer.byteBuffer().order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
      writer.byteBuffer().putInt(1).putInt(2);
      writer.seal().close();
    }
    try (SealedBuffer buffer = store.get("typed/order")) {
      ByteBuffer items = buffer.byteBuffer();
      assertThat(items.getInt(4)).isEqualTo(2);
      assertThat(buffer.toByteArray()).containsExactly(1, 0, 0, 0, 2, 0, 0, 0);
    }
  }

  @Test
  void aSealTakesItemsOffTheFirstAxis() {
    try (BufferWriter writer = store.create("typed/part", Shape.of(ElementType.INT16, 10, 4))) {
      refused(
          () -> writer.seal(12), "a part has whole items along the first axis: nbytes=12 stride=8");
      assertThat(writer.segment().isReadOnly()).as("nothing has changed").isFalse();
      try (SealedBuffer sealed = writer.seal(24)) {
        assertThat(sealed.shape()).isEqualTo(Shape.of(ElementType.INT16, 3, 4));
      }
    }
    try (SealedBuffer buffer = store.get("typed/part")) {
      assertThat(buffer.shape()).isEqualTo(Shape.of(ElementType.INT16, 3, 4));
      assertThat(store.list("typed/part")).containsExactly(buffer.info());
    }
  }

  @Test
  void theBuffersOfABatchHaveShapesOfTheirOwn() {
    for (int nbytes : new int[] {24, 1_200_000}) { // in the request, and in a segment
      String name = "typed/batch/" + nbytes + "/";
      Shape shape = Shape.of(ElementType.FLOAT32, nbytes / 24, 6);
      MemorySegment data = MemorySegment.ofArray(new float[nbytes / 4]).fill((byte) 1);
      List<BufferInfo> put =
          store.putMany(
              List.of(
                  new BatchItem(name + "typed", data, shape), new BatchItem(name + "x", METADATA)));
      assertThat(store.list(name)).isEqualTo(put);
      try (SealedBuffer typed = store.get(name + "typed");
          SealedBuffer bytes = store.get(name + "x")) {
        assertThat(typed.shape()).isEqualTo(shape);
        assertThat(typed.segment().mismatch(data)).isEqualTo(-1);
        assertThat(typed.info()).isEqualTo(put.getFirst());
        assertThat(bytes.shape()).isEqualTo(Shape.of(ElementType.UINT8, METADATA.length));
        assertThat(bytes.toByteArray()).isEqualTo(METADATA);
      }
    }
    String rule = "a batch has a shape for each buffer and no metadata: options=";
    PutOptions options = PutOptions.NONE.withShape(ROW);
    refused(
        () -> store.putMany(List.of(new BatchItem("typed/x", new byte[1])), options),
        rule
            + "PutOptions[replace=false ttl=- for_session=false timeout=- shape=f[3] metadata_bytes=0]");
  }

  @Test
  void aBatchWithLongFormatsTakesTheOtherWayAndIsBounded() {
    ElementType wide = ElementType.of("T{" + "b:%s:".formatted("x".repeat(50)).repeat(70) + "}");
    for (int count : new int[] {400, 1024}) { // of 4 KiB of format each
      String name = "typed/wide/" + count + "/";
      Shape shape = Shape.of(wide, 10);
      MemorySegment data = MemorySegment.ofArray(new byte[700]);
      List<BatchItem> items =
          IntStream.range(0, count).mapToObj(i -> new BatchItem(name + i, data, shape)).toList();
      if (count == 400) {
        store.putMany(items);
        try (SealedBuffer last = store.get(name + 399)) {
          assertThat(last.shape()).isEqualTo(shape);
        }
      } else {
        assertThatThrownBy(() -> store.putMany(items))
            .isInstanceOf(InvalidRequestException.class)
            .hasMessageMatching(
                "names and formats of a batch are too long:"
                    + " index_bytes=\\d{7} max=2097152; mend the call");
      }
    }
  }

  @Test
  void exactlyOneMakesATypedBuffer() {
    Supplier<SealedBuffer> make =
        () -> store.getOrCreate("typed/once", LARGE, bytes -> bytes.fill((byte) 3));
    try (SealedBuffer made = make.get();
        SealedBuffer found = make.get()) {
      assertThat(made.shape()).isEqualTo(LARGE);
      assertThat(found.info()).isEqualTo(made.info());
      assertThat(found.segment().get(ValueLayout.JAVA_BYTE, 7)).isEqualTo((byte) 3);
    }
  }

  @Test
  void withoutANameATypedBufferHasOneToo() {
    try (BufferWriter writer = store.create(ROW);
        SealedBuffer sealed = writer.seal()) {
      assertThat(sealed.name()).startsWith("buffer-");
      assertThat(sealed.shape()).isEqualTo(ROW);
    }
    byte[] row = new byte[12];
    String name = store.put(MemorySegment.ofArray(row), PutOptions.NONE.withShape(ROW)).name();
    try (SealedBuffer buffer = store.get(name)) {
      assertThat(buffer.shape()).isEqualTo(ROW);
    }
  }

  @Test
  void metadataAreBytesUpTo65535() {
    byte[] most = Content.of("metadata", 65_535);
    for (byte[] data : new byte[][] {new byte[0], new byte[262_144], new byte[262_145]}) {
      String name = "typed/metadata/" + data.length;
      store.put(name, data, PutOptions.NONE.withMetadata(most));
      try (SealedBuffer buffer = store.get(name)) {
        assertThat(buffer.metadata()).isEqualTo(most);
        assertThat(buffer.toByteArray()).isEqualTo(data);
        buffer.metadata()[0]++;
        assertThat(buffer.metadata()).as("a copy").isEqualTo(most);
      }
    }
    refused(
        () -> PutOptions.NONE.withMetadata(new byte[65_536]),
        "too much metadata: metadata_bytes=65536 max=65535");
  }

  @Test
  void dataOfAnotherLengthThanItsShapeIsRefused() {
    PutOptions options = PutOptions.NONE.withShape(ROW);
    String refusal = "the data has as many bytes as its shape: nbytes=10 shape=f[3] shape_bytes=12";
    refused(() -> store.put("typed/other", new byte[10], options), refusal);
    refused(() -> store.create("typed/other", 10, options), refusal);
    refused(() -> new BatchItem("typed/other", MemorySegment.ofArray(new byte[10]), ROW), refusal);
    assertThat(store.contains("typed/other")).isFalse();
  }

  private static void shows(SealedBuffer buffer, Shape shape) {
    assertThat(buffer.shape()).isEqualTo(shape);
    assertThat(buffer.elementType()).isEqualTo(shape.elementType());
    assertThat(buffer.format()).isEqualTo(shape.elementType().format());
    assertThat(buffer.strides()).isEqualTo(shape.strides());
    assertThat(buffer.nbytes()).isEqualTo(shape.nbytes());
    assertThat(buffer.metadata()).isEqualTo(METADATA);
    assertThat(buffer.info().shape()).isEqualTo(shape.dimensions());
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(InvalidRequestException.class)
        .hasMessage(message + "; mend the call");
  }
}
