package dev.sealbuf.client;

import dev.sealbuf.protocol.Reply;
import java.time.Instant;
import java.util.Locale;

/// What became of a name, or of the watch itself.
///
/// @param name of the buffer; empty in an overflow, like the fields that follow
/// @param id number of the buffer
/// @param version number of the publication; in an overflow that of the last one, 0 when it was
///   another daemon's
/// @param owner uid that published
/// @param created when it was published
public record Event(
    Kind kind, String name, long id, long version, long nbytes, long owner, Instant created) {

  /// What happened.
  public enum Kind {
    /// Published, or replaced what had the name.
    SEALED,

    /// Gone: deleted, taken, evicted, or at the end of its time.
    DELETED,

    /// Events were lost, because they came faster than they were read or the daemon was another
    /// one: look again at what there is.
    OVERFLOW
  }

  static Event of(Reply.Event event) {
    return new Event(
        kind(event.kind()),
        event.name(),
        event.buffer(),
        event.version(),
        event.nbytes(),
        event.owner(),
        BufferInfo.instant(event.created()));
  }

  /// Everything may have changed.
  static Event overflow() {
    return new Event(Kind.OVERFLOW, "", 0, 0, 0, 0, Instant.EPOCH);
  }

  private static Kind kind(String kind) {
    return switch (kind) {
      case Reply.Event.SEALED -> Kind.SEALED;
      case Reply.Event.DELETED -> Kind.DELETED;
      case Reply.Event.OVERFLOW -> Kind.OVERFLOW;
      default -> throw new ProtocolException("unknown event of a newer daemon: kind=" + kind);
    };
  }

  /// As it stands in the protocol.
  public String word() {
    return kind.name().toLowerCase(Locale.ROOT);
  }
}
