package dev.sealbuf.protocol;

/// The bounds of the protocol. Each is enforced before anything is allocated; the names, values and
/// reasons are those of the table in `protocol/PROTOCOL.md`.
public final class Limits {
  /// Bytes of a head: a handful of fields; this bounds what one connection makes the daemon keep.
  public static final int HEAD_MAX = 65_536;

  /// Bytes of a payload: above it a dedicated segment is cheaper than the copy through the socket.
  public static final int PAYLOAD_MAX = 262_144;

  /// Descriptors with a frame: what a producer needs, one description to write and one to read.
  public static final int DESCRIPTORS_MAX = 2;

  /// Bytes of a frame with descriptors: fits any socket buffer whole.
  public static final int DESCRIPTOR_FRAME_MAX = 4096;

  /// Bytes of a name in UTF-8, as in most file systems.
  public static final int NAME_MAX = 255;

  /// The largest integer that every JSON implementation carries.
  public static final long SEQ_MAX = (1L << 53) - 1;

  /// Entries a page of a listing.
  public static final int LIST_MAX = 1000;

  /// A connection that has not said hello by then is closed.
  public static final int HANDSHAKE_SECONDS = 5;

  /// Unfinished buffers a session.
  public static final int UNFINISHED_MAX = 1024;

  /// Requests a session may have in work before the daemon stops reading from it.
  public static final int PENDING_MAX = 64;

  /// Bytes queued for a session that does not read.
  public static final int OUTPUT_MAX = 1_048_576;

  /// The longest a session may leave queued output unread.
  public static final int OUTPUT_SECONDS = 10;

  private Limits() {}
}
