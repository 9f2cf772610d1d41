package dev.sealbuf.protocol;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

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
    Description description,
    long expires) {

  /// Whether the record at byte `at` of a slab is complete within it and carries this name.
  public static boolean isNamed(MemorySegment slab, long at, byte[] name) throws LayoutException {
    return isNamed(slab, at, RecordParts.read(slab, at), name);
  }

  static boolean isNamed(MemorySegment slab, long at, RecordParts parts, byte[] name) {
    long start = at + parts.name();
    return parts.nameBytes() == name.length
        && MemorySegment.mismatch(
                slab, start, start + name.length, MemorySegment.ofArray(name), 0, name.length)
            == -1;
  }

  /// Reads the record at byte `at` of a slab.
  public static BufferRecord read(MemorySegment slab, long at) throws LayoutException {
    return read(slab, at, slab.byteSize());
  }

  /// @param slabBytes of the slab that the record is of, for a payload that lies there too
  static BufferRecord read(MemorySegment memory, long at, long slabBytes) throws LayoutException {
    RecordParts parts = RecordParts.read(memory, at);
    check(memory, at, parts, slabBytes);
    return new BufferRecord(
        text(memory, at + parts.name(), parts.nameBytes()),
        memory.get(LittleEndian.U64, at + RecordLayout.BUFFER),
        memory.get(LittleEndian.U64, at + RecordLayout.VERSION),
        memory.get(LittleEndian.U64, at + RecordLayout.SEGMENT),
        memory.get(LittleEndian.U64, at + RecordLayout.OFFSET),
        memory.get(LittleEndian.U64, at + RecordLayout.NBYTES),
        memory.get(LittleEndian.U64, at + RecordLayout.CREATED),
        Integer.toUnsignedLong(memory.get(LittleEndian.U32, at + RecordLayout.OWNER)),
        description(memory, at, parts),
        Integer.toUnsignedLong(memory.get(LittleEndian.U32, at + RecordLayout.EXPIRES)));
  }

  /// Checks that the numbers of a record add up, without making anything of them.
  static void check(MemorySegment memory, long at, RecordParts parts, long slabBytes)
      throws LayoutException {
    long nbytes = memory.get(LittleEndian.U64, at + RecordLayout.NBYTES);
    if (memory.get(LittleEndian.U64, at + RecordLayout.SEGMENT) == 0) {
      checkPayload(memory.get(LittleEndian.U64, at + RecordLayout.OFFSET), nbytes, slabBytes);
    }
    checkItems(memory, at, parts, nbytes);
  }

  /// Reads the metadata of the record at byte `at` of a slab. It may be long and is nobody's
  /// business but the user's, so a record is without it.
  public static byte[] metadata(MemorySegment slab, long at) throws LayoutException {
    RecordParts parts = RecordParts.read(slab, at);
    return copy(slab, at + parts.metadata(), parts.metadataBytes());
  }

  /// Checks that the payload lies within a segment of so many bytes.
  public void checkPayload(long segmentBytes) throws LayoutException {
    checkPayload(offset, nbytes, segmentBytes);
  }

  static void checkPayload(long offset, long nbytes, long segmentBytes) throws LayoutException {
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

  /// Checks that the items are as many bytes as the payload: users have their number from either.
  private static void checkItems(MemorySegment memory, long at, RecordParts parts, long nbytes)
      throws LayoutException {
    long bytes = itemBytes(memory, at + parts.strides(), parts.ndim(), nbytes);
    boolean fit = bytes >= 0;
    for (int axis = 0; axis < parts.ndim(); axis++) {
      long items = integer(memory, at + RecordLayout.SHAPE, axis);
      fit = fit && items >= 0 && (items == 0 || bytes <= Limits.SEQ_MAX / items);
      bytes *= items;
    }
    if (!fit || bytes != nbytes) {
      Description description = description(memory, at, parts);
      throw new LayoutException(
          "items do not fill the payload: shape=%s strides=%s nbytes=%s"
              .formatted(
                  description.shape(), description.strides(), Long.toUnsignedString(nbytes)));
    }
  }

  /// As [Description#itemBytes].
  private static long itemBytes(MemorySegment memory, long strides, int ndim, long nbytes) {
    return ndim == 0
        ? nbytes
        : Math.min(integer(memory, strides, 0), integer(memory, strides, ndim - 1));
  }

  private static Description description(MemorySegment slab, long at, RecordParts parts) {
    String typestr = text(slab, at + parts.typestr(), parts.typestrBytes());
    return new Description(
        text(slab, at + parts.format(), parts.formatBytes()),
        typestr.isEmpty() ? Optional.empty() : Optional.of(typestr),
        integers(slab, at + RecordLayout.SHAPE, parts.ndim()),
        integers(slab, at + parts.strides(), parts.ndim()));
  }

  private static List<Long> integers(MemorySegment slab, long at, int count) {
    Long[] values = new Long[count];
    for (int i = 0; i < count; i++) {
      values[i] = integer(slab, at, i);
    }
    return List.of(values);
  }

  private static long integer(MemorySegment slab, long at, int index) {
    return slab.get(LittleEndian.U64, at + (long) index * Long.BYTES);
  }

  private static String text(MemorySegment slab, long at, int bytes) {
    return new String(copy(slab, at, bytes), StandardCharsets.UTF_8);
  }

  private static byte[] copy(MemorySegment slab, long at, int bytes) {
    byte[] copy = new byte[bytes];
    MemorySegment.copy(slab, LittleEndian.U8, at, copy, 0, bytes);
    return copy;
  }
}
