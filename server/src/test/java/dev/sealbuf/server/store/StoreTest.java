package dev.sealbuf.server.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.access.Right;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Small buffers: put, open, map, delete, and the figures.
@ExtendWith(LeakCheck.class)
class StoreTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer READER = TestStore.READER;
  private static final long EMPTY_USED = TableSpace.FIRST_BYTES + (2 << 20);

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
  void whatIsPutIsReadWithoutAsking() throws Refusal {
    Publication publication = store.put(PRODUCER, "Größe/λ", "hello");

    BufferRecord record = reader.find("Größe/λ").orElseThrow().record();
    assertThat(reader.get("Größe/λ")).hasValue("hello".getBytes(UTF_8));
    assertThat(record)
        .isEqualTo(
            new BufferRecord(
                "Größe/λ",
                publication.buffer(),
                publication.version(),
                0,
                publication.record() + 128,
                5,
                publication.created(),
                PRODUCER.uid(),
                Description.bytes(5),
                0));
    assertThat(publication)
        .isEqualTo(new Publication("Größe/λ", 1, 1, publication.created(), 2, 2 << 20, 0));
  }

  @Test
  void versionsGrowWithEveryPublication() throws Refusal {
    assertThat(store.put(PRODUCER, "a", "1").version()).isEqualTo(1);
    store.delete(PRODUCER, "a");
    assertThat(store.put(PRODUCER, "a", "2").version()).isEqualTo(2);
    assertThat(store.publish(PRODUCER, "b", new byte[] {3}).version()).isEqualTo(3);
  }

  @Test
  void anEmptyBufferIsABuffer() throws Refusal {
    store.put(PRODUCER, "empty", "");

    assertThat(reader.get("empty")).hasValue(new byte[0]);
  }

  @Test
  void theLargestPutFitsAndOneByteMoreDoesNot() throws Refusal {
    byte[] largest = new byte[Limits.PUT_MAX];
    Arrays.fill(largest, (byte) 7);

    store.put(PRODUCER, "largest", largest);

    assertThat(reader.get("largest")).hasValue(largest);
    Refused.with(
        ErrorCode.INVALID_REQUEST,
        "a put carries a small buffer: nbytes=262145 max=262144",
        () -> store.put(PRODUCER, "larger", new byte[Limits.PUT_MAX + 1]));
  }

  @Test
  void aDirectPayloadIsCopiedAndItsPositionStays() throws Refusal {
    ByteBuffer payload = ByteBuffer.allocateDirect(8).put(new byte[] {9, 8, 7, 6, 5, 4, 3, 2});
    payload.position(2).limit(6);

    store.on(
        each -> each.put(PRODUCER, Optional.of("direct"), payload.asReadOnlyBuffer(), Terms.PLAIN));

    assertThat(reader.get("direct")).hasValue(new byte[] {7, 6, 5, 4});
    assertThat(payload.position()).isEqualTo(2);
  }

  @Test
  void aBufferWithoutANameGetsOneThatNobodyHas() throws Refusal {
    store.put(PRODUCER, "buffer-2", "taken by hand");

    Publication first =
        store.on(each -> each.put(PRODUCER, Optional.empty(), bytes("x"), Terms.PLAIN));
    Publication second =
        store.on(each -> each.put(PRODUCER, Optional.empty(), bytes("y"), Terms.PLAIN));

    assertThat(first.buffer()).isEqualTo(2);
    assertThat(first.name()).matches("buffer-\\d+").isNotEqualTo("buffer-2");
    assertThat(reader.get(first.name())).hasValue("x".getBytes(UTF_8));
    assertThat(second.name()).isEqualTo("buffer-3");
  }

  @Test
  void namesAreTakenOnce() throws Refusal {
    store.put(PRODUCER, "a", "1");

    Refused.with(
        ErrorCode.ALREADY_EXISTS,
        "a buffer has this name already: name=a",
        () -> store.put(READER, "a", "2"));
    assertThat(reader.get("a")).hasValue("1".getBytes(UTF_8));
  }

  @Test
  void badNamesAreRefusedEverywhere() {
    String rule = "name is empty: bytes=0 min=1";
    Refused.with(ErrorCode.INVALID_NAME, rule, () -> store.put(PRODUCER, "", "x"));
    Refused.with(ErrorCode.INVALID_NAME, rule, () -> store.create(PRODUCER, "", 1));
    Refused.with(ErrorCode.INVALID_NAME, rule, () -> store.delete(PRODUCER, ""));
    Refused.with(
        ErrorCode.INVALID_NAME,
        "name has a control character: char=U+000A at=1",
        () -> store.put(PRODUCER, "a\nb", "x"));
    Refused.with(
        ErrorCode.INVALID_NAME,
        "name too long: bytes=256 max=255",
        () -> store.put(PRODUCER, "n".repeat(256), "x"));
  }

  @Test
  void openBringsTheSlabUnlessThePeerHasIt() throws Refusal {
    Publication publication = store.put(PRODUCER, "a", "1");

    Location fresh = open("a", OptionalLong.empty());
    Location mapped = open("a", OptionalLong.of(publication.slab()));
    Location other = open("a", OptionalLong.of(publication.slab() + 1));

    assertThat(fresh.descriptors()).hasSize(1);
    assertThat(mapped.descriptors()).isEmpty();
    assertThat(other.descriptors()).hasSize(1);
    assertThat(fresh.slab()).isEqualTo(publication.slab());
    assertThat(fresh.record()).isEqualTo(publication.record());
    assertThat(fresh.segment()).isZero();
    assertThat(fresh.segmentBytes()).isZero();
  }

  @Test
  void whatThereIsNotIsNotFound() throws Refusal {
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no buffer has this name: name=nothing",
        () -> open("nothing", OptionalLong.empty()));
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no buffer has this name: name=nothing",
        () -> store.delete(PRODUCER, "nothing"));
    for (long segment : List.of(-1L, 0L, 3L, Long.MAX_VALUE)) {
      Refused.with(
          ErrorCode.NOT_FOUND,
          "no slab or catalog segment has this number: segment=" + segment,
          () -> store.on(each -> each.map(READER, segment)));
    }
  }

  @Test
  void theCatalogCanBeMappedByItsNumber() throws Refusal {
    SegmentHandle handle = store.on(each -> each.map(READER, 1));
    TestStore.close(handle.descriptors());
    assertThat(handle.segmentBytes()).isEqualTo(TableSpace.FIRST_BYTES);
  }

  @Test
  void onlyThePublisherAndTheDaemonsUidDelete() throws Refusal {
    store.put(PRODUCER, "a", "1");
    store.put(PRODUCER, "b", "2");

    Refused.with(
        ErrorCode.NOT_PERMITTED,
        "a buffer is deleted by the uid that published it: name=a owner=20002 uid=20003",
        () -> store.delete(READER, "a"));
    assertThat(reader.get("a")).isPresent();
    assertThat(store.delete(new Peer(9, PRODUCER.uid()), "a")).isEqualTo(new Deletion("a", 1));
    assertThat(store.delete(new Peer(10, TestStore.DAEMON, 0, Right.ADMINISTER), "b"))
        .isEqualTo(new Deletion("b", 2));
    assertThat(reader.find("a")).isEmpty();
  }

  @Test
  void bytesInASlabOutliveTheirDeletion() throws Refusal {
    store.put(PRODUCER, "a", "still here");
    CatalogReader.Found found = reader.find("a").orElseThrow();

    store.delete(PRODUCER, "a");
    store.put(PRODUCER, "a", "other bytes");

    assertThat(found.payload()).asString(UTF_8).isEqualTo("still here");
    assertThat(reader.get("a")).hasValue("other bytes".getBytes(UTF_8));
  }

  @Test
  void statisticsCountToTheByte() throws Refusal {
    assertThat(store.statistics().used()).isEqualTo(EMPTY_USED);
    store.put(PRODUCER, "a", "12345");
    store.put(PRODUCER, "b", "123");
    store.delete(PRODUCER, "a");

    store.begin(READER);
    Statistics now = store.statistics();
    assertThat(now.rows())
        .containsEntry("server", "0.0.0-test")
        .containsEntry("capacity", TestStore.CAPACITY)
        .containsEntry("used", EMPTY_USED)
        .containsEntry("catalog_bytes", TableSpace.FIRST_BYTES)
        .containsEntry("slabs", 1L)
        .containsEntry("slab_bytes", 2L << 20)
        .containsEntry("buffers", 1L)
        .containsEntry("buffer_bytes", 3L)
        .containsEntry("dedicated", 0L)
        .containsEntry("unfinished", 0L)
        .containsEntry("sessions", 1L);
    assertThat(now.hugePageBytes()).isLessThanOrEqualTo(now.used());
  }

  @Test
  void fullSlabsAreFollowedByNewOnesUpToTheCapacity() throws Refusal {
    try (TestStore small = new TestStore(EMPTY_USED + (2 << 20), TestStore.SEGMENTS_MAX);
        CatalogReader smallReader = new CatalogReader(small)) {
      byte[] payload = new byte[Limits.PUT_MAX];
      int perSlab = (2 << 20) / (Limits.PUT_MAX + 128);
      for (int i = 0; i < 2 * perSlab; i++) {
        payload[0] = (byte) i;
        assertThat(small.put(PRODUCER, "n" + i, payload).slab()).isEqualTo(2 + i / perSlab);
      }

      Refused.with(
          ErrorCode.STORE_FULL,
          "no room below the capacity: requested=2097152 used=%1$d capacity=%1$d"
              .formatted(EMPTY_USED + (2 << 20)),
          () -> small.put(PRODUCER, "one more", payload));
      small.put(PRODUCER, "a small one still fits", "x");
      for (int i = 0; i < 2 * perSlab; i++) {
        assertThat(smallReader.get("n" + i).orElseThrow()[0]).isEqualTo((byte) i);
      }
      assertThat(small.statistics().slabs()).isEqualTo(2);
    }
  }

  private Location open(String name, OptionalLong slab) throws Refusal {
    Location location = store.openBuffer(READER, name, slab);
    TestStore.close(location.descriptors());
    return location;
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }
}
