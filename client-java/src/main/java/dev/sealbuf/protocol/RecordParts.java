package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.MemorySegment;

/// How long the parts of a record are whose length varies, and so where each begins, counted from
/// the start of the record.
public record RecordParts(
    int ndim, int nameBytes, int formatBytes, int typestrBytes, int metadataBytes) {
  /// Of a record that will say this.
  public static RecordParts of(int nameBytes, Description description, int metadataBytes) {
    return new RecordParts(
        description.ndim(),
        nameBytes,
        description.format().getBytes(UTF_8).length,
        description.typestr().map(typestr -> typestr.getBytes(UTF_8).length).orElse(0),
        metadataBytes);
  }

  /// Of the record at byte `at` of a slab, which they add up to and which fits into it.
  static RecordParts read(MemorySegment slab, long at) throws LayoutException {
    long room = slab.byteSize() - at;
    if (at < 0 || at % RecordLayout.ALIGNMENT != 0 || room < RecordLayout.SHAPE) {
      throw new LayoutException(
          "record outside its slab: at=%d slab_bytes=%d".formatted(at, slab.byteSize()));
    }
    RecordParts parts =
        new RecordParts(
            Byte.toUnsignedInt(slab.get(LittleEndian.U8, at + RecordLayout.NDIM)),
            Byte.toUnsignedInt(slab.get(LittleEndian.U8, at + RecordLayout.NAME_BYTES)),
            Short.toUnsignedInt(slab.get(LittleEndian.U16, at + RecordLayout.FORMAT_BYTES)),
            Short.toUnsignedInt(slab.get(LittleEndian.U16, at + RecordLayout.TYPESTR_BYTES)),
            Short.toUnsignedInt(slab.get(LittleEndian.U16, at + RecordLayout.METADATA_BYTES)));
    long stated =
        Integer.toUnsignedLong(slab.get(LittleEndian.U32, at + RecordLayout.RECORD_BYTES));
    if (parts.ndim > Limits.NDIM_MAX) {
      throw new LayoutException(
          "record has too many axes: at=%d ndim=%d max=%d"
              .formatted(at, parts.ndim, Limits.NDIM_MAX));
    }
    if (stated != parts.bytes() || stated > room) {
      throw new LayoutException(
          "record length does not add up: at=%d record_bytes=%d parts=%d room=%d"
              .formatted(at, stated, parts.bytes(), room));
    }
    return parts;
  }

  public long strides() {
    return RecordLayout.SHAPE + (long) ndim * Long.BYTES;
  }

  public long name() {
    return strides() + (long) ndim * Long.BYTES;
  }

  public long format() {
    return name() + nameBytes;
  }

  public long typestr() {
    return format() + formatBytes;
  }

  public long metadata() {
    return typestr() + typestrBytes;
  }

  /// Length of the whole record, without padding and payload.
  public long bytes() {
    return metadata() + metadataBytes;
  }
}
