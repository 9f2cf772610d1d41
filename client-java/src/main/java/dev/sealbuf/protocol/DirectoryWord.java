package dev.sealbuf.protocol;

/// Where a table of the catalog lies, in one word.
///
/// ```
///  63          36 35          8 7            0
/// +--------------+-------------+--------------+
/// | segment (28) | page (28)   | log2_slots(8)|
/// +--------------+-------------+--------------+
/// ```
public final class DirectoryWord {
  public static final int LOG2_SLOTS_MIN = 6;
  public static final int LOG2_SLOTS_MAX = 28;

  static final int LOG2_SLOTS_BITS = 8;
  static final int PAGE_BITS = 28;
  static final int SEGMENT_BITS = 28;
  static final int PAGE_SHIFT = LOG2_SLOTS_BITS;
  static final int SEGMENT_SHIFT = PAGE_SHIFT + PAGE_BITS;

  /// The largest number of a catalog segment or slab.
  public static final long SEGMENT_MAX = Bits.mask(SEGMENT_BITS);

  private DirectoryWord() {}

  public static long pack(int log2Slots, long page, long segment) {
    Bits.check("log2_slots", log2Slots, LOG2_SLOTS_MIN, LOG2_SLOTS_MAX);
    Bits.check("page", page, 0, Bits.mask(PAGE_BITS));
    Bits.check("segment", segment, 1, SEGMENT_MAX);
    return segment << SEGMENT_SHIFT | page << PAGE_SHIFT | log2Slots;
  }

  public static int log2Slots(long word) {
    return (int) (word & Bits.mask(LOG2_SLOTS_BITS));
  }

  public static long page(long word) {
    return word >>> PAGE_SHIFT & Bits.mask(PAGE_BITS);
  }

  public static long segment(long word) {
    return word >>> SEGMENT_SHIFT;
  }

  /// First byte of the table in its segment.
  public static long offset(long word) {
    return page(word) * HeaderLayout.PAGE_BYTES;
  }
}
