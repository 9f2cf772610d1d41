package dev.sealbuf.server.cli;

import java.time.Duration;
import picocli.CommandLine.ITypeConverter;

/// How long a buffer is to live, see [TimeSpan].
final class TimeToLive implements ITypeConverter<Duration> {
  @Override
  public Duration convert(String text) {
    return Duration.ofMillis(TimeSpan.parseMillis(text));
  }
}
