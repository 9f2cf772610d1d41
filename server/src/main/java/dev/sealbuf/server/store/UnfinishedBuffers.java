package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The buffers that are being written: by id, by the name each reserves, and by session, which may
/// have so many and no more.
final class UnfinishedBuffers {
  private final Map<Long, UnfinishedBuffer> byId = new HashMap<>();
  private final Map<Name, UnfinishedBuffer> byName = new HashMap<>();
  private final Map<Long, Set<UnfinishedBuffer>> bySession = new HashMap<>();

  /// Refuses a session that has its share.
  void requireQuota(Peer peer) throws Refusal {
    int count = bySession.getOrDefault(peer.session(), Set.of()).size();
    if (count >= Limits.UNFINISHED_MAX) {
      throw new Refusal(
          ErrorCode.QUOTA_EXCEEDED,
          "too many unfinished buffers of one session: unfinished=%d max=%d"
              .formatted(count, Limits.UNFINISHED_MAX));
    }
  }

  boolean reserves(Name name) {
    return byName.containsKey(name);
  }

  void add(UnfinishedBuffer buffer) {
    byId.put(buffer.id(), buffer);
    byName.put(buffer.claim().name(), buffer);
    bySession.computeIfAbsent(buffer.producer().session(), _ -> new LinkedHashSet<>()).add(buffer);
  }

  void remove(UnfinishedBuffer buffer) {
    byId.remove(buffer.id());
    byName.remove(buffer.claim().name(), buffer);
    bySession.computeIfPresent(
        buffer.producer().session(),
        (_, ofSession) -> {
          ofSession.remove(buffer);
          return ofSession.isEmpty() ? null : ofSession;
        });
  }

  Optional<UnfinishedBuffer> find(long id) {
    return Optional.ofNullable(byId.get(id));
  }

  List<UnfinishedBuffer> ofSession(long session) {
    return List.copyOf(bySession.getOrDefault(session, Set.of()));
  }

  List<UnfinishedBuffer> all() {
    return List.copyOf(byId.values());
  }
}
