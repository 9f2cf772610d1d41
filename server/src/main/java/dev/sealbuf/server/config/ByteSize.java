package dev.sealbuf.server.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Sizes as people write and read them: `4GiB`, `64MiB`, `4096`. Units are powers of 1024, and only
/// those: a `GB` would be understood in two ways.
public final class ByteSize {
  private static final String UNITS = "KMGT";
  private static final int BITS_A_UNIT = 10;
  private static final Pattern SIZE = Pattern.compile("(\\d{1,18}) ?(?:([" + UNITS + "])iB|B)?");

  private ByteSize() {}

  /// In bytes.
  ///
  /// @throws IllegalArgumentException with the rule and what was written
  public static long parse(String text) {
    Matcher size = SIZE.matcher(text);
    if (!size.matches()) {
      throw new IllegalArgumentException(
          "a size is a number with KiB, MiB, GiB or TiB, or of bytes: size=" + text);
    }
    long number = Long.parseLong(size.group(1));
    int shift = size.group(2) == null ? 0 : BITS_A_UNIT * (1 + UNITS.indexOf(size.group(2)));
    if (number > Long.MAX_VALUE >> shift) {
      throw new IllegalArgumentException("a size is at most 8 EiB: size=" + text);
    }
    return number << shift;
  }

  /// Three digits and a unit, such as `1.50 GiB`; below 1 KiB the exact number.
  public static String human(long bytes) {
    if (bytes < 1 << BITS_A_UNIT) {
      return bytes + " B";
    }
    int unit = 0;
    double amount = bytes;
    while (amount >= 1 << BITS_A_UNIT && unit < UNITS.length()) {
      amount /= 1 << BITS_A_UNIT;
      unit++;
    }
    String format = amount < 10 ? "%.2f %ciB" : amount < 100 ? "%.1f %ciB" : "%.0f %ciB";
    return String.format(Locale.ROOT, format, amount, UNITS.charAt(unit - 1));
  }
}
