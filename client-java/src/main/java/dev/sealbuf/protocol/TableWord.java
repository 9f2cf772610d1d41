package dev.sealbuf.protocol;

import java.lang.foreign.MemorySegment;

/// One slot of the catalog: a name's place, in one word that is stored once and never in two steps.
///
/// ```
///  63      52 51        24 23             0
/// +----------+------------+----------------+
/// | tag (12) | slab (28)  | offset / 64    |
/// +----------+------------+----------------+
/// ```
///
/// Slabs are numbered from 1, so a live word is never [#EMPTY] or [#GONE].
public final class TableWord {
  /// Never used, or free again: no live name lies behind it on a chain through it.
  public static final long EMPTY = 0;

  /// Deleted.
  public static final long GONE = 1;

  /// A name lies in one of so many words from its home on, wrapping round the end of the table.
  public static final int WINDOW = 32;

  static final int OFFSET_BITS = 24;
  static final int SLAB_BITS = 28;
  static final int TAG_BITS = 12;
  static final int SLAB_SHIFT = OFFSET_BITS;
  static final int TAG_SHIFT = SLAB_SHIFT + SLAB_BITS;

  private TableWord() {}

  /// The live word of a record.
  ///
  /// @param offset first byte of the record in its slab, a multiple of 64
  public static long pack(int tag, long slab, long offset) {
    Bits.check("tag", tag, 0, Bits.mask(TAG_BITS));
    Bits.check("slab", slab, 1, Bits.mask(SLAB_BITS));
    Bits.check("offset modulo 64", offset % RecordLayout.ALIGNMENT, 0, 0);
    Bits.check("offset64", offset / RecordLayout.ALIGNMENT, 0, Bits.mask(OFFSET_BITS));
    return (long) tag << TAG_SHIFT | slab << SLAB_SHIFT | offset / RecordLayout.ALIGNMENT;
  }

  public static boolean isLive(long word) {
    return word != EMPTY && word != GONE;
  }

  public static int tag(long word) {
    return (int) (word >>> TAG_SHIFT);
  }

  public static long slab(long word) {
    return word >>> SLAB_SHIFT & Bits.mask(SLAB_BITS);
  }

  /// First byte of the record in its slab.
  public static long offset(long word) {
    return (word & Bits.mask(OFFSET_BITS)) * RecordLayout.ALIGNMENT;
  }

  /// Loads a slot of the table that begins at byte `table` of its segment.
  public static long load(MemorySegment catalog, long table, long slot) {
    return LittleEndian.getAcquire64(catalog, table + slot * Long.BYTES);
  }

  /// Stores a slot; what was written before is seen by whoever loads it.
  public static void store(MemorySegment catalog, long table, long slot, long word) {
    LittleEndian.setRelease64(catalog, table + slot * Long.BYTES, word);
  }
}
