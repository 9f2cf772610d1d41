package dev.sealbuf.server.cli;

import dev.sealbuf.server.config.TimeSpan;
import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// How long a buffer is to live, see [TimeSpan].
final class TimeToLive implements ITypeConverter<Duration> {
  @Override
  public Duration convert(String text) {
    try {
      return Duration.ofMillis(TimeSpan.parseMillis(text));
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException(String.valueOf(e.getMessage()));
    }
  }
}
