package dev.sealbuf.protocol;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/// A record as a reader sees it: every number copied once from shared memory, range-checked against
/// its segment, and only then used.
///
/// @param segment 0: the payload is in the slab; else the dedicated segment it is in
/// @param offset first byte of the payload in its segment
/// @param created microseconds since 1970
/// @param owner uid that published
/// @param expires 0: never; else seconds of the daemon's monotonic clock
public record BufferRecord(
    String name,
    long buffer,
    long version,
    long segment,
    long offset,
    long nbytes,
    long created,
    long owner,
    String format,
    long expires) {

  /// Whether the record at byte `at` of a slab is complete within it and carries this name.
  public static boolean isNamed(MemorySegment slab, long at, byte[] name) throws LayoutException {
    Parts parts = Parts.read(slab, at);
    long start = at + RecordLayout.name(parts.ndim);
    return parts.nameBytes == name.length
        && MemorySegment.mismatch(
                slab, start, start + name.length, MemorySegment.ofArray(name), 0, name.length)
            == -1;
  }

  /// Reads the record at byte `at` of a slab.
  public static BufferRecord read(MemorySegment slab, long at) throws LayoutException {
    Parts parts = Parts.read(slab, at);
    BufferRecord record =
        new BufferRecord(
            text(slab, at + RecordLayout.name(parts.ndim), parts.nameBytes),
            slab.get(LittleEndian.U64, at + RecordLayout.BUFFER),
            slab.get(LittleEndian.U64, at + RecordLayout.VERSION),
            slab.get(LittleEndian.U64, at + RecordLayout.SEGMENT),
            slab.get(LittleEndian.U64, at + RecordLayout.OFFSET),
            slab.get(LittleEndian.U64, at + RecordLayout.NBYTES),
            slab.get(LittleEndian.U64, at + RecordLayout.CREATED),
            Integer.toUnsignedLong(slab.get(LittleEndian.U32, at + RecordLayout.OWNER)),
            text(slab, at + RecordLayout.format(parts.ndim, parts.nameBytes), parts.formatBytes),
            Integer.toUnsignedLong(slab.get(LittleEndian.U32, at + RecordLayout.EXPIRES)));
    if (record.segment == 0) {
      record.checkPayload(slab.byteSize());
    }
    return record;
  }

  /// Checks that the payload lies within a segment of so many bytes.
  public void checkPayload(long segmentBytes) throws LayoutException {
    if (offset < 0
        || nbytes < 0
        || offset % RecordLayout.ALIGNMENT != 0
        || offset > segmentBytes
        || nbytes > segmentBytes - offset) {
      throw new LayoutException(
          "payload outside its segment: offset=%s nbytes=%s segment_bytes=%d"
              .formatted(
                  Long.toUnsignedString(offset), Long.toUnsignedString(nbytes), segmentBytes));
    }
  }

  /// The lengths of a record's variable parts, which add up and fit into the slab.
  private record Parts(int ndim, int nameBytes, int formatBytes) {
    static Parts read(MemorySegment slab, long at) throws LayoutException {
      long room = slab.byteSize() - at;
      if (at < 0 || at % RecordLayout.ALIGNMENT != 0 || room < RecordLayout.SHAPE) {
        throw new LayoutException(
            "record outside its slab: at=%d slab_bytes=%d".formatted(at, slab.byteSize()));
      }
      Parts parts =
          new Parts(
              Byte.toUnsignedInt(slab.get(LittleEndian.U8, at + RecordLayout.NDIM)),
              Short.toUnsignedInt(slab.get(LittleEndian.U16, at + RecordLayout.NAME_BYTES)),
              Byte.toUnsignedInt(slab.get(LittleEndian.U8, at + RecordLayout.FORMAT_BYTES)));
      long metadata =
          Integer.toUnsignedLong(slab.get(LittleEndian.U32, at + RecordLayout.METADATA_BYTES));
      long sum = RecordLayout.recordBytes(parts.ndim, parts.nameBytes, parts.formatBytes, metadata);
      long stated =
          Integer.toUnsignedLong(slab.get(LittleEndian.U32, at + RecordLayout.RECORD_BYTES));
      if (stated != sum || stated > room) {
        throw new LayoutException(
            "record length does not add up: at=%d record_bytes=%d parts=%d room=%d"
                .formatted(at, stated, sum, room));
      }
      return parts;
    }
  }

  private static String text(MemorySegment slab, long at, int bytes) {
    byte[] copy = new byte[bytes];
    MemorySegment.copy(slab, LittleEndian.U8, at, copy, 0, bytes);
    return new String(copy, StandardCharsets.UTF_8);
  }
}
