package dev.sealbuf.server.segment;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.LittleEndian;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.RecordParts;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.PointerBytesStore;

/// Writes records into a slab: the only class that uses Chronicle Bytes.
///
/// A [PointerBytesStore] writes fields at any offset of raw memory as fast as the machine can, in
/// the machine's byte order (little-endian on both that Sealbuf runs on), and checks nothing: one
/// store past the mapping ends the JVM. So this class proves, before the first store, that the
/// whole record lies in the slab; every offset it uses then is that of a field of the record. It
/// also does not know when the mapping ends: [Slab] drops its writer before it gives the mapping
/// away.
final class SlabWriter {
  private final MemorySegment slab;
  private final PointerBytesStore store = BytesStore.nativePointer();

  SlabWriter(MemorySegment slab) {
    this.slab = slab;
    store.set(slab.address(), slab.byteSize());
  }

  /// Returns the byte behind the record.
  long write(long at, BufferRecord record, ByteBuffer metadata) {
    byte[] name = record.name().getBytes(UTF_8);
    Description description = record.description();
    RecordParts parts = RecordParts.of(name.length, description, metadata.remaining());
    Objects.checkFromIndexSize(at, parts.bytes(), slab.byteSize());
    store.writeInt(at + RecordLayout.RECORD_BYTES, (int) parts.bytes());
    store.writeInt(at + RecordLayout.HASH, NameHash.of(name));
    store.writeLong(at + RecordLayout.BUFFER, record.buffer());
    store.writeLong(at + RecordLayout.VERSION, record.version());
    store.writeLong(at + RecordLayout.SEGMENT, record.segment());
    store.writeLong(at + RecordLayout.OFFSET, record.offset());
    store.writeLong(at + RecordLayout.NBYTES, record.nbytes());
    store.writeLong(at + RecordLayout.CREATED, record.created());
    store.writeInt(at + RecordLayout.OWNER, (int) record.owner());
    store.writeByte(at + RecordLayout.NAME_BYTES, (byte) parts.nameBytes());
    store.writeByte(at + RecordLayout.NDIM, (byte) parts.ndim());
    store.writeShort(at + RecordLayout.FORMAT_BYTES, (short) parts.formatBytes());
    store.writeShort(at + RecordLayout.METADATA_BYTES, (short) parts.metadataBytes());
    store.writeShort(at + RecordLayout.TYPESTR_BYTES, (short) parts.typestrBytes());
    store.writeInt(at + RecordLayout.EXPIRES, (int) record.expires());
    write(at + RecordLayout.SHAPE, description.shape());
    write(at + parts.strides(), description.strides());
    write(at + parts.name(), name);
    write(at + parts.format(), description.format().getBytes(UTF_8));
    write(at + parts.typestr(), description.typestr().orElse("").getBytes(UTF_8));
    write(at + parts.metadata(), metadata);
    return at + parts.bytes();
  }

  private void write(long at, List<Long> values) {
    for (int i = 0; i < values.size(); i++) {
      store.writeLong(at + (long) i * Long.BYTES, values.get(i));
    }
  }

  private void write(long at, byte[] bytes) {
    store.write(at, bytes, 0, bytes.length);
  }

  /// Copies a payload or metadata, whose position does not move; the slice checks the bounds.
  /// Returns the byte behind it.
  long write(long at, ByteBuffer payload) {
    MemorySegment source = MemorySegment.ofBuffer(payload);
    slab.asSlice(at, source.byteSize()).copyFrom(source);
    return at + source.byteSize();
  }

  /// Copies a whole record with what follows it. A payload that comes along lies as far behind its
  /// record as before.
  void copy(long at, MemorySegment source, long from, long bytes) {
    MemorySegment.copy(source, from, slab, at, bytes);
    if (source.get(LittleEndian.U64, from + RecordLayout.SEGMENT) == 0) {
      long payload = source.get(LittleEndian.U64, from + RecordLayout.OFFSET);
      store.writeLong(at + RecordLayout.OFFSET, payload - from + at);
    }
  }
}
