package dev.sealbuf.client;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Reply;
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

  /// What the daemon says about a buffer that this process published.
  static BufferInfo of(Reply.Published published, Shape shape, long uid) {
    return of(
        published.name(), published.buffer(), published.version(), shape, uid, published.created());
  }

  static BufferInfo of(String name, long id, long version, Shape shape, long owner, long created) {
    return new BufferInfo(
        name,
        id,
        version,
        shape.nbytes(),
        shape.elementType().format(),
        shape.dimensions(),
        owner,
        instant(created));
  }

  static BufferInfo of(BufferRecord record, Shape shape) {
    return of(
        record.name(), record.buffer(), record.version(), shape, record.owner(), record.created());
  }

  static Instant instant(long microseconds) {
    return Instant.EPOCH.plus(microseconds, ChronoUnit.MICROS);
  }
}
