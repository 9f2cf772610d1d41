package dev.sealbuf.server.session;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.server.store.Event;
import java.nio.ByteBuffer;
import java.util.Optional;

/// The frames of events, which are the same for all watchers: each event is written once, for
/// whoever comes first.
final class EventFrames {
  private record Written(Event event, ByteBuffer frame) {}

  private Optional<Written> last = Optional.empty();

  /// The frame of an event; not to be changed.
  ByteBuffer of(Event event) {
    if (last.isEmpty() || !last.get().event.equals(event)) {
      last = Optional.of(new Written(event, Replies.write(reply(event), 0).encode()));
    }
    return last.get().frame;
  }

  private static Reply reply(Event event) {
    return switch (event) {
      case Event.Sealed(BufferRecord record) -> reply(Reply.Event.SEALED, record);
      case Event.Deleted(BufferRecord record) -> reply(Reply.Event.DELETED, record);
      case Event.Overflow(long version) ->
          new Reply.Event(0, Reply.Event.OVERFLOW, "", 0, version, 0, 0, 0);
    };
  }

  private static Reply reply(String kind, BufferRecord record) {
    return new Reply.Event(
        0,
        kind,
        record.name(),
        record.buffer(),
        record.version(),
        record.nbytes(),
        record.owner(),
        record.created());
  }
}
