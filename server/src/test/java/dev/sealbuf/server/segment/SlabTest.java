package dev.sealbuf.server.segment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Errno;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.RecordParts;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class SlabTest {
  private static final BufferRecord INLINE =
      new BufferRecord(
          "greeting", 1, 1, 0, 128, 5, 1_790_000_000_000_000L, 10_001, Description.bytes(5), 0);
  private static final BufferRecord DEDICATED =
      new BufferRecord(
          "Größe/λ \"1\"",
          2,
          2,
          1,
          0,
          67_108_863,
          1_790_000_000_000_002L,
          10_002,
          Description.bytes(67_108_863),
          3600);

  private static final ByteBuffer NO_METADATA = ByteBuffer.allocate(0);

  private Slab slab;

  @BeforeEach
  void create() throws IOException {
    slab = Slab.create(2);
  }

  @AfterEach
  void close() {
    slab.close();
  }

  @Test
  void recordsAreTheBytesOfTheVectors() throws IOException {
    long inline = slab.append(INLINE, NO_METADATA, ByteBuffer.wrap("hello".getBytes(UTF_8)));
    long dedicated = slab.append(DEDICATED, NO_METADATA);

    assertThat(bytes(inline, vector("record-inline").length)).isEqualTo(vector("record-inline"));
    assertThat(bytes(dedicated, vector("record-dedicated").length))
        .isEqualTo(vector("record-dedicated"));
    assertThat(bytes(INLINE.offset(), 5)).asString().isEqualTo("hello");
  }

  @Test
  void recordsAndPayloadsAreAppendedAtMultiplesOf64() throws LayoutException {
    assertThat(slab.append(INLINE, NO_METADATA, ByteBuffer.wrap("hello".getBytes(UTF_8)))).isZero();
    assertThat(slab.position()).isEqualTo(192);
    assertThat(slab.append(DEDICATED, NO_METADATA)).isEqualTo(192);
    assertThat(slab.position()).isEqualTo(320);

    assertThat(BufferRecord.read(slab.memory(), 0)).isEqualTo(INLINE);
    assertThat(BufferRecord.read(slab.memory(), 192)).isEqualTo(DEDICATED);
    assertThat(slab.end(0)).isEqualTo(192);
    assertThat(slab.end(192)).isEqualTo(320);
    assertThat(slab.live()).isEqualTo(2);
    assertThat(slab.liveBytes()).isEqualTo(320);
    slab.forget(0);
    assertThat(slab.live()).isEqualTo(1);
    assertThat(slab.liveBytes()).isEqualTo(128);
  }

  @Test
  void aDescriptionAndMetadataAreInTheRecord() throws IOException, LayoutException {
    Description times =
        new Description("<q", Optional.of("<M8[ns]"), List.of(2L, 3L), List.of(24L, 8L));
    long created = 1_790_000_000_000_003L;
    BufferRecord typed = new BufferRecord("times", 7, 9, 0, 192, 48, created, 10_001, times, 0);
    ByteBuffer metadata = ByteBuffer.wrap("{\"tz\":\"UTC\"}\0".getBytes(UTF_8));

    slab.append(typed, metadata, ByteBuffer.allocate(48));

    assertThat(bytes(0, vector("record-typed").length)).isEqualTo(vector("record-typed"));
    assertThat(BufferRecord.read(slab.memory(), 0)).isEqualTo(typed);
    assertThat(BufferRecord.metadata(slab.memory(), 0)).isEqualTo(metadata.array());
  }

  @Test
  void aCopyInAnotherSlabSaysTheSame() throws IOException, LayoutException {
    Description one = new Description("T{<i:a:<i:b:}", List.of(), List.of());
    BufferRecord typed = new BufferRecord("one", 7, 9, 0, 128, 8, 1, 2, one, 0);
    slab.append(typed, ByteBuffer.wrap(new byte[] {1, 2, 3}), ByteBuffer.wrap(new byte[8]));
    try (Slab other = Slab.create(3)) {
      other.append(INLINE, NO_METADATA, ByteBuffer.wrap("hello".getBytes(UTF_8)));

      long at = other.appendCopy(slab, 0);

      assertThat(at).isEqualTo(192);
      assertThat(BufferRecord.read(other.memory(), at))
          .isEqualTo(new BufferRecord("one", 7, 9, 0, 192 + 128, 8, 1, 2, one, 0));
      assertThat(BufferRecord.metadata(other.memory(), at)).containsExactly(1, 2, 3);
    }
  }

  @Test
  void nothingIsWrittenPastTheEnd() {
    long span = Slab.recordSpan(RecordParts.of("greeting".length(), Description.bytes(5), 0));
    while (slab.hasRoom(2 * span)) {
      slab.append(INLINE, NO_METADATA);
    }
    byte[] before = bytes(0, (int) Slab.BYTES);

    assertThat(slab.position()).isEqualTo(Slab.BYTES - span);
    assertThat(slab.hasRoom(span)).isTrue();
    assertThat(slab.hasRoom(span + 1)).isFalse();
    assertThatThrownBy(() -> slab.append(named("n".repeat(100), 0), NO_METADATA))
        .isInstanceOf(IndexOutOfBoundsException.class);
    ByteBuffer payload = ByteBuffer.allocate(5);
    assertThatThrownBy(() -> slab.append(named("n", Slab.BYTES - 4), NO_METADATA, payload))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(bytes(0, (int) Slab.BYTES)).isEqualTo(before);
    assertThat(slab.position()).isEqualTo(Slab.BYTES - span);
  }

  @Test
  void itCarriesItsSealsFromBirthAndNobodyElseCanWriteToIt() throws IOException {
    try (Fd fd = slab.freshReadOnly();
        Fd writable = Memfd.reopenReadWrite(fd)) {
      assertThat(Memfd.seals(fd).isExactly(DaemonSegment.SEALS)).isTrue();
      assertThat(Memfd.stat(fd).allocated()).isEqualTo(Slab.BYTES);
      assertThatThrownBy(() -> Mapping.readWrite(writable, Slab.BYTES))
          .isInstanceOfSatisfying(
              PosixException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
      assertThatThrownBy(() -> Memfd.resize(writable, 0))
          .isInstanceOfSatisfying(
              PosixException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EPERM));
    }
  }

  @Test
  void aFinishedSlabIsReadButNotWritten() throws IOException, LayoutException {
    slab.append(INLINE, NO_METADATA, ByteBuffer.wrap("hello".getBytes(UTF_8)));

    slab.finish().close();

    assertThat(BufferRecord.read(slab.memory(), 0)).isEqualTo(INLINE);
    assertThatThrownBy(() -> slab.append(DEDICATED, NO_METADATA))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a full slab is not written: slab=2");
    assertThat(Files.readAllLines(Path.of("/proc/self/maps")))
        .filteredOn(line -> line.contains("sealbuf-slab-2"))
        .singleElement()
        .asString()
        .contains("r--s");
  }

  private static BufferRecord named(String name, long offset) {
    return new BufferRecord(name, 1, 1, 0, offset, 5, 0, 0, Description.bytes(5), 0);
  }

  private byte[] bytes(long at, int count) {
    return slab.memory().asSlice(at, count).toArray(ValueLayout.JAVA_BYTE);
  }

  private static byte[] vector(String name) throws IOException {
    return HexFormat.of()
        .parseHex(
            Files.readAllLines(Path.of("../protocol/vectors", name + ".hex")).stream()
                .map(line -> line.replaceAll("#.*| ", ""))
                .collect(Collectors.joining()));
  }
}
