package dev.sealbuf.protocol;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;

/// A buffer's record in a slab, at a multiple of 64.
///
/// ```
///  0  +-----------------------------+-----------------------------+
///     | record_bytes (u32)          | hash (u32)                  |
///  8  | buffer (u64)                                              |
/// 16  | version (u64)                                             |
/// 24  | segment (u64): 0, or the dedicated segment                |
/// 32  | offset (u64) of the payload in its segment                |
/// 40  | nbytes (u64)                                              |
/// 48  | created (i64), microseconds since 1970                    |
/// 56  | owner (u32)                 | name (u8) | ndim | format   |   lengths
/// 64  | metadata (u16) | typestr    | expires (u32)               |
/// 72  +-----------------------------+-----------------------------+
///     | shape (i64 * ndim) | strides (i64 * ndim)                 |
///     | name | format | typestr | metadata                        |
///     +-----------------------------------------------------------+
///     | padding to a multiple of 64, then the payload, if here    |
/// ```
///
/// It is complete before the table word that leads to it, and never changed afterwards.
public final class RecordLayout {
  /// Records and payloads begin at multiples of this.
  public static final int ALIGNMENT = 64;

  public static final long SLAB_BYTES = 2 << 20;

  public static final StructLayout LAYOUT =
      MemoryLayout.structLayout(
          LittleEndian.U32.withName("record_bytes"),
          LittleEndian.U32.withName("hash"),
          LittleEndian.U64.withName("buffer"),
          LittleEndian.U64.withName("version"),
          LittleEndian.U64.withName("segment"),
          LittleEndian.U64.withName("offset"),
          LittleEndian.U64.withName("nbytes"),
          LittleEndian.U64.withName("created"),
          LittleEndian.U32.withName("owner"),
          LittleEndian.U8.withName("name_bytes"),
          LittleEndian.U8.withName("ndim"),
          LittleEndian.U16.withName("format_bytes"),
          LittleEndian.U16.withName("metadata_bytes"),
          LittleEndian.U16.withName("typestr_bytes"),
          LittleEndian.U32.withName("expires"));

  public static final long RECORD_BYTES = offset("record_bytes");
  public static final long HASH = offset("hash");
  public static final long BUFFER = offset("buffer");
  public static final long VERSION = offset("version");
  public static final long SEGMENT = offset("segment");
  public static final long OFFSET = offset("offset");
  public static final long NBYTES = offset("nbytes");
  public static final long CREATED = offset("created");
  public static final long OWNER = offset("owner");
  public static final long NAME_BYTES = offset("name_bytes");
  public static final long NDIM = offset("ndim");
  public static final long FORMAT_BYTES = offset("format_bytes");
  public static final long METADATA_BYTES = offset("metadata_bytes");
  public static final long TYPESTR_BYTES = offset("typestr_bytes");
  public static final long EXPIRES = offset("expires");

  /// Where the part of fixed size ends and the shape begins; the rest is for [RecordParts].
  public static final long SHAPE = LAYOUT.byteSize();

  private RecordLayout() {}

  /// The next multiple of 64.
  public static long align(long bytes) {
    return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
  }

  private static long offset(String field) {
    return LAYOUT.byteOffset(groupElement(field));
  }
}
