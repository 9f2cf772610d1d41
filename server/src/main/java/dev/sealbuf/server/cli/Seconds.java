package dev.sealbuf.server.cli;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// How long a command waits: seconds, with or without a fraction.
final class Seconds implements ITypeConverter<Duration> {
  private static final Pattern SECONDS = Pattern.compile("\\d{1,9}(\\.\\d{1,9})?");
  private static final int NANOS_DIGITS = 9;

  @Override
  public Duration convert(String text) {
    if (!SECONDS.matcher(text).matches()) {
      throw new TypeConversionException(
          "a timeout is a number of seconds, such as 2 or 0.5: timeout=" + text);
    }
    return Duration.ofNanos(new BigDecimal(text).movePointRight(NANOS_DIGITS).longValueExact());
  }
}
