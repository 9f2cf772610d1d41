package dev.sealbuf.protocol;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;

/// What a client may ask, one record an op, fields in the order of the table in
/// `protocol/PROTOCOL.md`. Numbers are in range when they come from [Requests]; names are not
/// judged before [Names] has seen them.
public sealed interface Request {
  ByteBuffer NO_PAYLOAD = ByteBuffer.allocate(0).asReadOnlyBuffer();

  /// Chosen by the client, repeated in the reply.
  long seq();

  /// Comes first and once.
  record Hello(long seq, String namespace, String client) implements Request {}

  /// Publishes the payload behind its `metadataBytes` of metadata; `buffer` is a reservation of the
  /// name, `ttl` in milliseconds; with `session` the buffer ends with its session.
  record Put(
      long seq,
      Optional<String> name,
      OptionalLong buffer,
      boolean replace,
      OptionalLong ttl,
      boolean session,
      Optional<Description> description,
      OptionalLong metadataBytes,
      ByteBuffer payload)
      implements Request {
    /// With nothing but a name.
    public Put(long seq, Optional<String> name, ByteBuffer payload) {
      this(
          seq,
          name,
          OptionalLong.empty(),
          false,
          OptionalLong.empty(),
          false,
          Optional.empty(),
          OptionalLong.empty(),
          payload);
    }

    /// The part of the payload that is metadata.
    public ByteBuffer metadata() {
      return payload.slice(payload.position(), (int) metadataBytes.orElse(0));
    }

    /// The part of the payload that is the buffer's bytes.
    public ByteBuffer bytes() {
      ByteBuffer bytes = payload.slice();
      return bytes.position((int) metadataBytes.orElse(0)).slice();
    }
  }

  /// Publishes several buffers or none. The payload is an index, see [BatchIndex], and the bytes.
  record PutMany(
      long seq,
      int count,
      int indexBytes,
      boolean replace,
      OptionalLong ttl,
      boolean session,
      ByteBuffer payload)
      implements Request {}

  /// Asks for a dedicated segment to write in place; `batch`: for several buffers. The payload is
  /// metadata.
  record Create(
      long seq,
      Optional<String> name,
      long nbytes,
      OptionalLong buffer,
      boolean replace,
      OptionalLong ttl,
      boolean session,
      boolean batch,
      Optional<Description> description,
      ByteBuffer payload)
      implements Request {
    /// For one buffer, with nothing but a name.
    public Create(long seq, Optional<String> name, long nbytes) {
      this(
          seq,
          name,
          nbytes,
          OptionalLong.empty(),
          false,
          OptionalLong.empty(),
          false,
          false,
          Optional.empty(),
          NO_PAYLOAD);
    }
  }

  /// Publishes a created buffer; without `nbytes` at the length it was created with. With `spare`,
  /// a segment of so many bytes may be lent along.
  record Seal(long seq, long buffer, OptionalLong nbytes, OptionalLong spare) implements Request {
    /// And lends nothing.
    public Seal(long seq, long buffer, OptionalLong nbytes) {
      this(seq, buffer, nbytes, OptionalLong.empty());
    }
  }

  /// Publishes the first `nbytes` of a spare. The payload is metadata.
  record SealSpare(
      long seq,
      long buffer,
      Optional<String> name,
      long nbytes,
      boolean replace,
      OptionalLong ttl,
      boolean session,
      OptionalLong spare,
      Optional<Description> description,
      ByteBuffer payload)
      implements Request {}

  /// Publishes the buffers in a segment that was created for a batch, or none. The payload is an
  /// index, see [BatchIndex].
  record SealMany(long seq, long buffer, int count, ByteBuffer payload) implements Request {}

  /// Frees an unfinished buffer or a reservation.
  record Abort(long seq, long buffer) implements Request {}

  /// Asks for a buffer that the catalog alone cannot bring; `slab` is one the client has mapped.
  /// With `timeout` (milliseconds) until there is one, with `newer` of a greater version.
  record Open(long seq, String name, OptionalLong slab, OptionalLong newer, OptionalLong timeout)
      implements Request {
    /// Whatever there is now.
    public Open(long seq, String name, OptionalLong slab) {
      this(seq, name, slab, OptionalLong.empty(), OptionalLong.empty());
    }
  }

  /// Opens and deletes in one step.
  record Take(long seq, String name, OptionalLong timeout) implements Request {}

  /// Asks for a buffer or for the right to create it.
  record Reserve(long seq, String name, OptionalLong timeout) implements Request {}

  /// Keeps a published buffer openable, whatever happens to its name.
  record Hold(long seq, String name, long buffer) implements Request {}

  /// Asks for a buffer by its id, with the number of a hold; `slab` is one the client has mapped.
  record OpenHeld(long seq, String name, long buffer, long hold, OptionalLong slab)
      implements Request {}

  /// Asks for a slab or a catalog segment by number.
  record Map(long seq, long segment) implements Request {}

  /// Takes a name out of the catalog; with `buffer` only if it is that buffer's.
  record Delete(long seq, String name, OptionalLong buffer) implements Request {
    /// Whatever buffer it leads to.
    public Delete(long seq, String name) {
      this(seq, name, OptionalLong.empty());
    }
  }

  /// Takes several names out of the catalog. The payload is a [NameList].
  record DeleteMany(long seq, int count, ByteBuffer payload) implements Request {}

  /// Asks for a page of names from `cursor` on, of versions up to `until`.
  record ListNames(long seq, String prefix, int limit, long cursor, OptionalLong until)
      implements Request {
    /// A first page.
    public ListNames(long seq, String prefix, int limit, long cursor) {
      this(seq, prefix, limit, cursor, OptionalLong.empty());
    }
  }

  /// Asks to be told of every change under a prefix; `replay`: and of what there is.
  record Watch(long seq, String prefix, boolean replay) implements Request {}

  /// Waits until there is room for so many bytes.
  record AwaitRoom(long seq, long nbytes, OptionalLong timeout) implements Request {}

  /// Asks for a page of who was handed which segment.
  record Holders(long seq, Optional<String> name, long cursor) implements Request {}

  /// Asks for the daemon's figures.
  record Stat(long seq) implements Request {}

  /// Asks for a sign of life.
  record Ping(long seq) implements Request {}
}
