package dev.sealbuf.server.segment;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.LittleEndian;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.RecordLayout;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
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
  /// In this version every buffer is bytes: one axis, one byte between items.
  private static final int NDIM = 1;

  private static final long STRIDE = 1;

  private final MemorySegment slab;
  private final PointerBytesStore store = BytesStore.nativePointer();

  SlabWriter(MemorySegment slab) {
    this.slab = slab;
    store.set(slab.address(), slab.byteSize());
  }

  /// Bytes of a record, without padding and payload.
  static long recordBytes(int nameBytes, int formatBytes) {
    return RecordLayout.recordBytes(NDIM, nameBytes, formatBytes, 0);
  }

  /// Returns the byte behind the record.
  long write(long at, BufferRecord record) {
    byte[] name = record.name().getBytes(StandardCharsets.UTF_8);
    byte[] format = record.format().getBytes(StandardCharsets.US_ASCII);
    long bytes = recordBytes(name.length, format.length);
    Objects.checkFromIndexSize(at, bytes, slab.byteSize());
    store.writeInt(at + RecordLayout.RECORD_BYTES, (int) bytes);
    store.writeInt(at + RecordLayout.HASH, NameHash.of(name));
    store.writeLong(at + RecordLayout.BUFFER, record.buffer());
    store.writeLong(at + RecordLayout.VERSION, record.version());
    store.writeLong(at + RecordLayout.SEGMENT, record.segment());
    store.writeLong(at + RecordLayout.OFFSET, record.offset());
    store.writeLong(at + RecordLayout.NBYTES, record.nbytes());
    store.writeLong(at + RecordLayout.CREATED, record.created());
    store.writeInt(at + RecordLayout.OWNER, (int) record.owner());
    store.writeShort(at + RecordLayout.NAME_BYTES, (short) name.length);
    store.writeByte(at + RecordLayout.FORMAT_BYTES, (byte) format.length);
    store.writeByte(at + RecordLayout.NDIM, (byte) NDIM);
    store.writeInt(at + RecordLayout.EXPIRES, (int) record.expires());
    store.writeLong(at + RecordLayout.SHAPE, record.nbytes());
    store.writeLong(at + RecordLayout.strides(NDIM), STRIDE);
    store.write(at + RecordLayout.name(NDIM), name, 0, name.length);
    store.write(at + RecordLayout.format(NDIM, name.length), format, 0, format.length);
    return at + bytes;
  }

  /// Copies a payload, whose position does not move; the slice checks the bounds. Returns the byte
  /// behind it.
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
