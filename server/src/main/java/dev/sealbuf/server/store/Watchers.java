package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.NameException;
import dev.sealbuf.protocol.Names;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/// Tells everybody who watches of what is published and deleted.
final class Watchers implements PublicationListener {
  private final LongSupplier version;
  private final Replays replays;
  private final Map<Long, Watcher> bySession = new HashMap<>();

  /// @param version of the last publication
  Watchers(LongSupplier version, Replays replays) {
    this.version = version;
    this.replays = replays;
  }

  int count() {
    return bySession.size();
  }

  /// Makes a session a watcher, until it ends.
  ///
  /// @param replay whether it is told of what is published already
  Watcher add(Peer peer, String prefix, boolean replay, Watcher.Sink sink) throws Refusal {
    try {
      Names.prefix(prefix);
    } catch (NameException e) {
      throw new Refusal(ErrorCode.INVALID_NAME, e.getMessage());
    }
    Watcher watcher = new Watcher(prefix, sink, version, replays);
    bySession.put(peer.session(), watcher);
    if (replay) {
      watcher.beginReplay();
    }
    return watcher;
  }

  void endSession(long session) {
    Optional.ofNullable(bySession.remove(session)).ifPresent(Watcher::end);
  }

  @Override
  public void published(BufferRecord record) {
    tell(record.name(), new Event.Sealed(record));
  }

  @Override
  public void deleted(BufferRecord record) {
    tell(record.name(), new Event.Deleted(record));
  }

  private void tell(String name, Event event) {
    for (Watcher watcher : bySession.values()) {
      if (watcher.watches(name)) {
        watcher.tell(event);
      }
    }
  }
}
