package dev.sealbuf.protocol;

import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// What the daemon answers, one record a reply, fields in the order of the table in
/// `protocol/PROTOCOL.md`.
public sealed interface Reply {
  /// That of the request; 0 in an [Event], and in a [Failure] that answers none.
  long seq();

  /// To hello; one descriptor, the first catalog segment.
  record Welcome(
      long seq,
      String server,
      String daemon,
      long session,
      long uid,
      String namespace,
      long catalog,
      long catalogBytes)
      implements Reply {}

  /// To put and seal.
  record Published(
      long seq,
      String name,
      long buffer,
      long version,
      long created,
      long slab,
      long slabBytes,
      long record)
      implements Reply {}

  /// To seal and seal_spare with `spare`; two descriptors of that segment, as for [Lent].
  record PublishedLent(
      long seq,
      String name,
      long buffer,
      long version,
      long created,
      long slab,
      long slabBytes,
      long record,
      long spare,
      long segment,
      long segmentBytes)
      implements Reply {
    public static PublishedLent of(Published made, long spare, long segment, long segmentBytes) {
      return new PublishedLent(
          made.seq,
          made.name,
          made.buffer,
          made.version,
          made.created,
          made.slab,
          made.slabBytes,
          made.record,
          spare,
          segment,
          segmentBytes);
    }

    /// The half that a [Published] says.
    public Published published() {
      return new Published(seq, name, buffer, version, created, slab, slabBytes, record);
    }
  }

  /// To put_many and seal_many; the payload tells the records' places, see [RecordPlaces].
  record PublishedMany(
      long seq, int count, long buffer, long version, long created, ByteBuffer payload)
      implements Reply {}

  /// To create; two descriptors of one segment, opened for writing and for reading.
  record Lent(long seq, String name, long buffer, long nbytes, long segment, long segmentBytes)
      implements Reply {}

  /// To abort.
  record Aborted(long seq, long buffer) implements Reply {}

  /// To open and open_held; descriptors: the slab unless the request named it, the dedicated
  /// segment if there is one.
  record Opened(long seq, long slab, long slabBytes, long record, long segment, long segmentBytes)
      implements Reply {}

  /// To take; descriptors as for [Opened].
  record Taken(
      long seq,
      String name,
      long buffer,
      long slab,
      long slabBytes,
      long record,
      long segment,
      long segmentBytes)
      implements Reply {}

  /// To reserve, when the name is this session's to create.
  record Reserved(long seq, String name, long buffer) implements Reply {}

  /// To hold: the number that opens the buffer once.
  record Held(long seq, long hold) implements Reply {}

  /// To map; one descriptor.
  record Mapped(long seq, long segment, long segmentBytes) implements Reply {}

  /// To delete.
  record Deleted(long seq, String name, long buffer) implements Reply {}

  /// To delete_many.
  record DeletedMany(long seq, int count) implements Reply {}

  /// To list; carries a payload, see [ListingPayload]. `cursor` 0: this was the last page.
  record Listing(long seq, int count, long cursor, long until, ByteBuffer payload)
      implements Reply {}

  /// To watch; events follow.
  record Watching(long seq, long version) implements Reply {}

  /// Tells a watcher of a change; answers no request. `kind` is text, since a newer daemon may know
  /// more.
  record Event(
      long seq,
      String kind,
      String name,
      long buffer,
      long version,
      long nbytes,
      long owner,
      long created)
      implements Reply {
    public static final String SEALED = "sealed";
    public static final String DELETED = "deleted";
    public static final String OVERFLOW = "overflow";
  }

  /// To await_room.
  record Room(long seq) implements Reply {}

  /// To holders; carries a payload, see [HoldingPayload]. `cursor` 0: this was the last page.
  record Holding(long seq, int count, long cursor, ByteBuffer payload) implements Reply {}

  /// To stat: integers ([Long]) and texts ([String]) in the order of the table.
  record Stats(long seq, Map<String, Object> stats) implements Reply {
    public Stats {
      stats.forEach(Stats::check);
      stats = Collections.unmodifiableMap(new LinkedHashMap<>(stats));
    }

    private static void check(String name, Object figure) {
      if (!(figure instanceof Long || figure instanceof String)) {
        throw new IllegalArgumentException(
            "a figure is a Long or a String: stat=%s class=%s"
                .formatted(name, figure.getClass().getName()));
      }
    }
  }

  /// To ping.
  record Pong(long seq) implements Reply {}

  /// The reply `error`: the request was not met. `code` is text, since a newer daemon may know
  /// more.
  record Failure(long seq, String code, String message) implements Reply {
    public static Failure of(long seq, ErrorCode code, String message) {
      return new Failure(seq, code.code(), message);
    }
  }
}
