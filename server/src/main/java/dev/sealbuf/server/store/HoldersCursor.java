package dev.sealbuf.server.store;

/// Where a page of `holders` begins.
///
/// ```
/// | source 2 | number 35 | skipped 16 |
/// ```
///
/// @param source which kind of segments
/// @param number of the first segment to look at
/// @param skipped rows of that segment that were told already
record HoldersCursor(int source, long number, int skipped) {
  private static final int SKIPPED_BITS = 16;
  private static final int NUMBER_BITS = 35;
  private static final long SKIPPED_MAX = (1L << SKIPPED_BITS) - 1;
  private static final long NUMBER_MAX = (1L << NUMBER_BITS) - 1;

  /// Any number is a place, if only behind the last.
  static HoldersCursor unpack(long packed) {
    return new HoldersCursor(
        (int) (packed >>> (SKIPPED_BITS + NUMBER_BITS)),
        packed >>> SKIPPED_BITS & NUMBER_MAX,
        (int) (packed & SKIPPED_MAX));
  }

  long packed() {
    return (long) source << (SKIPPED_BITS + NUMBER_BITS)
        | Math.min(number, NUMBER_MAX) << SKIPPED_BITS
        | Math.min(skipped, SKIPPED_MAX);
  }

  /// The place of a segment that was found from here on.
  HoldersCursor at(long found) {
    return new HoldersCursor(source, found, found == number ? skipped : 0);
  }

  HoldersCursor next() {
    return number == NUMBER_MAX ? nextSource() : new HoldersCursor(source, number + 1, 0);
  }

  HoldersCursor nextSource() {
    return new HoldersCursor(source + 1, 0, 0);
  }

  HoldersCursor skipping(int rows) {
    return new HoldersCursor(source, number, rows);
  }
}
