package dev.sealbuf.protocol;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;

/// What a client may ask, one record an op, fields in the order of the table in
/// `protocol/PROTOCOL.md`. Numbers are in range when they come from [Heads]; names are not judged
/// before [Names] has seen them.
public sealed interface Request {
  /// Chosen by the client, repeated in the reply.
  long seq();

  /// Comes first and once.
  record Hello(long seq, String namespace, String client) implements Request {}

  /// Publishes the payload; the only request that carries one.
  record Put(long seq, Optional<String> name, ByteBuffer payload) implements Request {}

  /// Asks for a dedicated segment to write in place.
  record Create(long seq, Optional<String> name, long nbytes) implements Request {}

  /// Publishes a created buffer; without `nbytes` at the length it was created with.
  record Seal(long seq, long buffer, OptionalLong nbytes) implements Request {}

  /// Frees an unfinished buffer.
  record Abort(long seq, long buffer) implements Request {}

  /// Asks for a buffer that the catalog alone cannot bring; `slab` is one the client has mapped.
  record Open(long seq, String name, OptionalLong slab) implements Request {}

  /// Asks for a slab or a catalog segment by number.
  record Map(long seq, long segment) implements Request {}

  /// Takes a name out of the catalog.
  record Delete(long seq, String name) implements Request {}

  /// Asks for a page of names from `cursor` on.
  record ListNames(long seq, String prefix, int limit, long cursor) implements Request {}

  /// Asks for the daemon's figures.
  record Stat(long seq) implements Request {}

  /// Asks for a sign of life.
  record Ping(long seq) implements Request {}
}
