package dev.sealbuf.client;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/// What the store says about a published buffer.
///
/// @param id number of the buffer, never used twice by one daemon
/// @param version number of the publication; grows with every publication of the daemon
/// @param format PEP 3118 format of an item
/// @param shape items along each axis
/// @param owner uid that published
/// @param created when it was published
public record BufferInfo(
    String name,
    long id,
    long version,
    long nbytes,
    String format,
    List<Long> shape,
    long owner,
    Instant created) {
  public BufferInfo {
    shape = List.copyOf(shape);
  }

  static Instant instant(long microseconds) {
    return Instant.EPOCH.plus(microseconds, ChronoUnit.MICROS);
  }
}
