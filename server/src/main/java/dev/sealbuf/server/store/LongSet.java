package dev.sealbuf.server.store;

import java.util.Arrays;
import java.util.function.LongPredicate;

/// A set of positive numbers in one array: 8 to 32 bytes each, where a set of objects takes 50.
///
/// Open addressing with linear probing; 0 marks an empty place. Nothing is removed one by one: when
/// the array is half full, what is not wanted any more is dropped, and only then it grows.
final class LongSet {
  private static final int FEWEST = 8;

  /// Spreads consecutive numbers: 2^64 divided by the golden ratio.
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  private long[] places = new long[FEWEST];
  private int size;

  int size() {
    return size;
  }

  /// Bytes of the array.
  long heapBytes() {
    return (long) places.length * Long.BYTES;
  }

  boolean contains(long number) {
    return places[place(places, number)] == number;
  }

  /// Adds a number, if it is not there.
  ///
  /// @param wanted which numbers are to stay when room is short
  void add(long number, LongPredicate wanted) {
    if (number <= 0) {
      throw new IllegalArgumentException("a number is positive: number=" + number);
    }
    if (contains(number)) {
      return;
    }
    if (2 * (size + 1) > places.length) {
      retain(wanted);
    }
    places[place(places, number)] = number;
    size++;
  }

  /// Drops what is not wanted, and takes as much room as the rest needs to grow by half.
  void retain(LongPredicate wanted) {
    long[] left =
        Arrays.stream(places).filter(number -> number != 0 && wanted.test(number)).toArray();
    int length = Math.max(FEWEST, Integer.highestOneBit(Math.max(1, left.length)) * 4);
    long[] next = new long[length];
    for (long number : left) {
      next[place(next, number)] = number;
    }
    places = next;
    size = left.length;
  }

  /// Where a number is, or the empty place where it would be.
  private static int place(long[] places, long number) {
    int mask = places.length - 1;
    int place = (int) ((number * SPREAD) >>> Integer.SIZE) & mask;
    while (places[place] != 0 && places[place] != number) {
      place = (place + 1) & mask;
    }
    return place;
  }
}
