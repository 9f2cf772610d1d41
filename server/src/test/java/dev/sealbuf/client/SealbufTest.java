package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@Tag("daemon")
@ExtendWith(Unprivileged.class)
class SealbufTest {
  private static final int INLINE_MAX = 262_144;

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
  void whatIsPutIsGot() {
    Instant before = Instant.now().minusSeconds(1);
    BufferInfo put = store.put("put", "hello".getBytes(UTF_8));
    try (SealedBuffer got = store.get("put")) {
      assertThat(new String(got.toByteArray(), UTF_8)).isEqualTo("hello");
      assertThat(got.info()).isEqualTo(put);
      assertThat(got.name()).isEqualTo("put");
      assertThat(got.nbytes()).isEqualTo(5);
      assertThat(got.format()).isEqualTo("B");
      assertThat(got.created()).isBetween(before, Instant.now());
      assertThat(got.segment().isReadOnly()).isTrue();
    }
  }

  @Test
  void bytesComeFromArraysBuffersAndSegments() {
    ByteBuffer part = ByteBuffer.wrap(new byte[] {0, 1, 2, 3}).position(1).limit(3);
    ByteBuffer direct = ByteBuffer.allocateDirect(2).put(new byte[] {1, 2}).flip();
    MemorySegment ints = MemorySegment.ofArray(new int[] {1, 2});
    store.put("from/array", new byte[] {1, 2});
    store.put("from/buffer", part);
    store.put("from/direct", direct);
    store.put("from/ints", ints);
    assertThat(part.position()).isEqualTo(1);
    for (String name : List.of("from/array", "from/buffer", "from/direct")) {
      assertThat(bytesOf(name)).as(name).containsExactly(1, 2);
    }
    assertThat(bytesOf("from/ints")).containsExactly(1, 0, 0, 0, 2, 0, 0, 0);
  }

  @Test
  void theLargestInlinePutAndTheSmallestBeyondAreTheSameToTheReader() {
    for (int nbytes : new int[] {INLINE_MAX, INLINE_MAX + 1}) {
      byte[] content = Content.of("sizes", nbytes);
      store.put("size/" + nbytes, content);
      assertThat(bytesOf("size/" + nbytes)).isEqualTo(content);
    }
  }

  @Test
  void aNameThatWasReadBeforeIsReadAsItIsNow() {
    PutOptions replacing = PutOptions.NONE.replacing();
    for (int nbytes : new int[] {3, 5, INLINE_MAX + 1, 7}) {
      BufferInfo put = store.put("read-again", Content.of("read", nbytes), replacing);
      for (int i = 0; i < 3; i++) {
        try (SealedBuffer buffer = store.get("read-again")) {
          assertThat(buffer.info()).isEqualTo(put);
          assertThat(buffer.toByteArray()).isEqualTo(Content.of("read", nbytes));
        }
      }
    }
    store.delete("read-again");
    assertThatThrownBy(() -> store.get("read-again")).isInstanceOf(NotFoundException.class);
  }

  @Test
  void whatHasLongMetadataIsNotKeptOnTheHeap() {
    for (int bytes : new int[] {0, 100, 1000, 65_535}) {
      String name = "with/" + bytes;
      store.put(name, new byte[1], PutOptions.NONE.withMetadata(new byte[bytes]));
      store.get(name).close();
      FoundBefore.Entry kept = store.session().segments().before().get(name);
      assertThat(kept != null).as(name).isEqualTo(bytes <= 100);
    }
  }

  @Test
  void whatIsSaidAboutABufferOutlivesItsCloseAndItsName() {
    Shape shape = Shape.of(ElementType.FLOAT32, 2, 3);
    PutOptions options = PutOptions.NONE.withShape(shape).withMetadata(new byte[] {4, 2});
    BufferInfo put = store.put("said-of-it", new byte[24], options);
    SealedBuffer first = store.get("said-of-it");
    SealedBuffer again = store.get("said-of-it");
    first.close();
    again.close();
    store.delete("said-of-it");
    for (SealedBuffer closed : List.of(first, again)) {
      assertThat(closed.info()).isEqualTo(put);
      assertThat(closed.shape()).isEqualTo(shape);
      assertThat(closed.metadata()).containsExactly(4, 2);
    }
  }

  @Test
  void aDigestIsThatOfTheBytes() throws Exception {
    for (int nbytes : new int[] {0, 5, INLINE_MAX + 1}) {
      byte[] content = Content.of("digest", nbytes);
      store.put("digest", content, PutOptions.NONE.replacing());
      try (SealedBuffer buffer = store.get("digest")) {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
        assertThat(buffer.digest()).isEqualTo(digest);
      }
    }
    assertThat(store.list()).isEqualTo(store.list(""));
  }

  @Test
  void noBytesAreABufferToo() {
    store.put("none/put", new byte[0]);
    try (BufferWriter writer = store.create("none/create", 0)) {
      writer.seal().close();
    }
    assertThat(bytesOf("none/put")).isEmpty();
    assertThat(bytesOf("none/create")).isEmpty();
  }

  @Test
  void withoutANameTheStoreMakesOneUp() {
    BufferInfo first = store.put(new byte[] {1});
    BufferInfo second = store.put(new byte[] {2});
    assertThat(first.name()).startsWith("buffer-").isNotEqualTo(second.name());
    assertThat(bytesOf(second.name())).containsExactly(2);
    try (BufferWriter writer = store.create(10)) {
      assertThat(writer.name()).startsWith("buffer-");
    }
  }

  @Test
  void whatIsWrittenInPlaceAppearsWithTheSeal() {
    try (BufferWriter writer = store.create("in-place", 1 << 20)) {
      Content.fill(writer.segment(), "in-place");
      assertThat(store.contains("in-place")).isFalse();
      try (SealedBuffer sealed = writer.seal()) {
        assertThat(sealed.segment().isReadOnly()).isTrue();
        assertThat(sealed.toByteArray()).isEqualTo(Content.of("in-place", 1 << 20));
      }
    }
    assertThat(bytesOf("in-place")).isEqualTo(Content.of("in-place", 1 << 20));
  }

  @Test
  void aSealCanPublishLessThanWasCreated() {
    try (BufferWriter writer = store.create("shorter", 4096)) {
      writer.byteBuffer().put(new byte[] {1, 2, 3});
      assertThatThrownBy(() -> writer.seal(4097))
          .isInstanceOf(InvalidRequestException.class)
          .hasMessage(
              "a seal publishes at most what was created: nbytes=4097 max=4096; mend the call");
      writer.seal(3).close();
    }
    assertThat(bytesOf("shorter")).containsExactly(1, 2, 3);
  }

  @Test
  void whatIsNotSealedIsGone() {
    try (BufferWriter writer = store.create("aborted", 4096)) {
      writer.segment().fill((byte) 1);
    }
    assertThat(store.contains("aborted")).isFalse();
    store.put("aborted", new byte[] {1});
  }

  @Test
  void aWriterSaysWhatItIsAfterItsEnd() {
    BufferWriter writer = store.create("ended", 1);
    MemorySegment view = writer.segment();
    writer.seal().close();
    assertThatThrownBy(writer::segment)
        .isInstanceOf(ClosedException.class)
        .hasMessage("the writer has sealed: name=ended; do not use it after close");
    assertThatThrownBy(() -> view.set(ValueLayout.JAVA_BYTE, 0, (byte) 1))
        .isInstanceOf(IllegalStateException.class);
    writer.close();
    assertThat(store.contains("ended")).isTrue();
  }

  @Tag("shows-8")
  @Test
  void readersCannotWrite() {
    store.put("read-only", new byte[] {1});
    try (SealedBuffer buffer = store.get("read-only")) {
      assertThatThrownBy(() -> buffer.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 2))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> buffer.byteBuffer().put(0, (byte) 2))
          .isInstanceOf(ReadOnlyBufferException.class);
    }
  }

  @Test
  void viewsOutliveTheNameAndTheStore() {
    byte[] large = Content.of("outlives", INLINE_MAX * 2);
    store.put("outlives/small", new byte[] {7});
    store.put("outlives/large", large);
    SealedBuffer kept = store.get("outlives/large");
    MemorySegment small = store.get("outlives/small").segment();
    store.delete("outlives/small", "outlives/large");
    store.close();
    assertThat(small.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
    assertThat(kept.toByteArray()).isEqualTo(large);
    kept.close();
    assertThatThrownBy(kept::segment)
        .isInstanceOf(ClosedException.class)
        .hasMessage("the buffer is closed: name=outlives/large; do not use it after close");
  }

  @Test
  void aDeletedNameIsFreeAndNeverAnswersAgain() {
    store.put("deleted", new byte[] {1});
    store.delete("deleted");
    assertThat(store.contains("deleted")).isFalse();
    notFound(() -> store.get("deleted"), "deleted");
    store.put("deleted", new byte[] {2});
    assertThat(bytesOf("deleted")).containsExactly(2);
  }

  @Test
  void anUnknownNameIsNotFound() {
    notFound(() -> store.get("unknown"), "unknown");
    assertThat(store.contains("unknown")).isFalse();
    assertThatThrownBy(() -> store.delete("unknown")).isInstanceOf(NotFoundException.class);
  }

  @Test
  void aTakenNameIsRefused() {
    store.put("taken", new byte[] {1});
    assertThatThrownBy(() -> store.put("taken", new byte[] {2}))
        .isInstanceOf(AlreadyExistsException.class)
        .hasMessageEndingWith("name=taken; choose another name, or delete the old buffer");
    try (BufferWriter _ = store.create("being written", 1)) {
      assertThatThrownBy(() -> store.put("being written", new byte[] {2}))
          .isInstanceOf(AlreadyExistsException.class);
    }
    assertThat(bytesOf("taken")).containsExactly(1);
  }

  @Test
  void impossibleLengthsAreRefusedAndNothingChanges() {
    long used = store.stats().used();
    assertThatThrownBy(() -> store.create("impossible", 1L << 40))
        .isInstanceOf(StoreFullException.class)
        .hasMessageEndingWith("; delete buffers, see holders, or raise --capacity");
    assertThatThrownBy(() -> store.create("impossible", Long.MAX_VALUE))
        .isInstanceOf(InvalidRequestException.class);
    assertThatThrownBy(() -> store.create("impossible", -1))
        .isInstanceOf(InvalidRequestException.class)
        .hasMessage("a length is not negative: nbytes=-1; mend the call");
    assertThat(store.stats().used()).isEqualTo(used);
  }

  @Test
  void aBadNameIsRefusedBeforeAnythingIsSent() {
    assertThatThrownBy(() -> store.get(""))
        .isInstanceOf(InvalidNameException.class)
        .hasMessage("name is empty: bytes=0 min=1; change the name");
    assertThatThrownBy(() -> store.put("a\nb", new byte[0]))
        .isInstanceOf(InvalidNameException.class)
        .hasMessage("name has a control character: char=U+000A at=1; change the name");
  }

  @Test
  void aListingIsWholeAndSorted() {
    List<String> names = IntStream.range(0, 2500).mapToObj("listed/%04d"::formatted).toList();
    List<String> shuffled = new ArrayList<>(names);
    Collections.shuffle(shuffled, new Random(7));
    shuffled.forEach(name -> store.put(name, new byte[] {1}));
    assertThat(store.list("listed/").stream().map(BufferInfo::name)).isEqualTo(names);
    assertThat(store.list("listed/", 2, "listed/0007").stream().map(BufferInfo::name))
        .containsExactly("listed/0008", "listed/0009");
    assertThat(store.list("listed/x")).isEmpty();
    store.delete(names.toArray(String[]::new));
    assertThat(store.list("listed/")).isEmpty();
  }

  @Test
  void aListingSaysWhatAGetSays() {
    BufferInfo put = store.put("said", new byte[] {1, 2});
    assertThat(store.list("said")).containsExactly(put);
  }

  @Test
  void figuresAddUp() {
    store.put("figures", new byte[] {1});
    Statistics stats = store.stats();
    assertThat(stats.capacity()).isEqualTo(2L << 30);
    assertThat(stats.buffers()).isPositive();
    assertThat(stats.sessions()).isPositive();
    assertThat(stats.used())
        .isEqualTo(
            stats.catalogBytes()
                + stats.slabBytes()
                + stats.dedicatedBytes()
                + stats.unfinishedBytes());
    assertThat(stats.asMap()).containsEntry("capacity", 2L << 30);
    assertThat(store.ping()).isBetween(Duration.ZERO, DaemonProcess.PATIENCE);
  }

  @Test
  void aClosedStoreSaysSo() {
    store.put("closed", new byte[] {1});
    store.close();
    store.close();
    for (Runnable call : List.<Runnable>of(store::ping, () -> store.get("closed"))) {
      assertThatThrownBy(call::run)
          .isInstanceOf(ClosedException.class)
          .hasMessage("the store is closed; do not use it after close");
    }
  }

  private byte[] bytesOf(String name) {
    try (SealedBuffer buffer = store.get(name)) {
      return buffer.toByteArray();
    }
  }

  private static void notFound(Runnable call, String name) {
    assertThatThrownBy(call::run)
        .isInstanceOf(NotFoundException.class)
        .hasMessage(
            "no such buffer: name=%s; check the name; list shows what there is".formatted(name));
  }
}
