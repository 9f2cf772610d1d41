package dev.sealbuf.server.config;

import dev.sealbuf.protocol.Limits;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Spans of time as people write them: `500ms`, `90s`, `10m`, `2h`, `1d`.
public final class TimeSpan {
  private static final Pattern SPAN = Pattern.compile("(\\d{1,13})(ms|s|m|h|d)");

  private TimeSpan() {}

  /// In milliseconds, 1 to TTL_MAX.
  ///
  /// @throws IllegalArgumentException with the rule and what was written
  public static long parseMillis(String text) {
    Matcher span = SPAN.matcher(text);
    if (!span.matches()) {
      throw new IllegalArgumentException(
          "a span of time is a number with ms, s, m, h or d: span=" + text);
    }
    long unit =
        switch (span.group(2)) {
          case "ms" -> 1;
          case "s" -> 1000;
          case "m" -> 60 * 1000;
          case "h" -> 60 * 60 * 1000;
          default -> 24 * 60 * 60 * 1000;
        };
    long number = Long.parseLong(span.group(1));
    if (number == 0 || number > Limits.TTL_MAX / unit) {
      throw new IllegalArgumentException(
          "a span of time is at least a millisecond and at most a hundred years: span=" + text);
    }
    return number * unit;
  }
}
