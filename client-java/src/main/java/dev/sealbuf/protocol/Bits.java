package dev.sealbuf.protocol;

/// Fields of bits in a word.
final class Bits {
  private Bits() {}

  static long mask(int bits) {
    return (1L << bits) - 1;
  }

  static void check(String field, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          "field out of bounds: field=%s value=%d min=%d max=%d".formatted(field, value, min, max));
    }
  }
}
