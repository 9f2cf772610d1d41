package dev.sealbuf.protocol;

/// The bounds of the protocol. Each is enforced before anything is allocated; the names, values and
/// reasons are those of the table in `protocol/PROTOCOL.md`.
public final class Limits {
  /// Bytes of a head: a handful of fields; this bounds what one connection makes the daemon keep.
  public static final int HEAD_MAX = 65_536;

  /// Bytes of a payload: the largest `put_many`, index included.
  public static final int PAYLOAD_MAX = 2_097_152;

  /// Bytes of a put: above it a dedicated segment is cheaper than the copy through the socket.
  public static final int PUT_MAX = 262_144;

  /// Bytes of a reply's payload: what a client makes room for.
  public static final int PAGE_MAX = 262_144;

  /// Buffers of one batch: what the daemon publishes in one turn.
  public static final int BATCH_MAX = 1024;

  /// Bytes of the buffers of one `put_many`; a larger batch shares a dedicated segment.
  public static final int BATCH_BYTES = 1_048_576;

  /// Descriptors with a frame: what a producer needs, one description to write and one to read.
  public static final int DESCRIPTORS_MAX = 2;

  /// Bytes of a frame with descriptors: fits any socket buffer whole.
  public static final int DESCRIPTOR_FRAME_MAX = 4096;

  /// Bytes of a name in UTF-8, as in most file systems.
  public static final int NAME_MAX = 255;

  /// Bytes of a format: a structure of a hundred fields.
  public static final int FORMAT_MAX = 4096;

  /// Bytes of a typestr.
  public static final int TYPESTR_MAX = 32;

  /// Axes, as in NumPy and memoryview.
  public static final int NDIM_MAX = 64;

  /// Bytes of metadata, which lie in the record.
  public static final int METADATA_MAX = 65_535;

  /// The largest integer that every JSON implementation carries.
  public static final long SEQ_MAX = (1L << 53) - 1;

  /// Entries a page of a listing.
  public static final int LIST_MAX = 1000;

  /// A connection that has not said hello by then is closed.
  public static final int HANDSHAKE_SECONDS = 5;

  /// Unfinished buffers a session.
  public static final int UNFINISHED_MAX = 1024;

  /// Requests a session may have in work before the daemon stops reading from it; parked ones do
  /// not count.
  public static final int PENDING_MAX = 64;

  /// Parked requests a session.
  public static final int PARKED_MAX = 256;

  /// Milliseconds a request may be parked, one day; who waits longer asks again.
  public static final int WAIT_MAX = 86_400_000;

  /// Milliseconds a buffer may be told to live, a hundred years: seconds fit in 32 bits.
  public static final long TTL_MAX = 3_153_600_000_000L;

  /// Bytes of events queued for a session that does not read them; past it they are dropped.
  public static final int WATCH_BYTES = 262_144;

  /// Bytes queued for a session that does not read.
  public static final int OUTPUT_MAX = 1_048_576;

  /// The longest a session may leave queued output unread.
  public static final int OUTPUT_SECONDS = 10;

  private Limits() {}
}
