package dev.sealbuf.client;

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

  /// What the daemon says about bytes that this process published.
  static BufferInfo of(Reply.Published published, long nbytes, long uid) {
    return bytes(
        published.name(),
        published.buffer(),
        published.version(),
        nbytes,
        uid,
        published.created());
  }

  /// A buffer that is nothing but bytes.
  static BufferInfo bytes(
      String name, long id, long version, long nbytes, long owner, long created) {
    return new BufferInfo(name, id, version, nbytes, "B", List.of(nbytes), owner, instant(created));
  }

  static Instant instant(long microseconds) {
    return Instant.EPOCH.plus(microseconds, ChronoUnit.MICROS);
  }
}
