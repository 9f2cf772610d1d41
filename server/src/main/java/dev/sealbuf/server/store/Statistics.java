package dev.sealbuf.server.store;

import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.host.AotCache;
import java.util.LinkedHashMap;
import java.util.Map;

/// The figures of `stat`, by the table in `protocol/PROTOCOL.md`.
public record Statistics(
    String server,
    long uptimeSeconds,
    long capacity,
    long capacityAsked,
    long used,
    long catalogBytes,
    long slabs,
    long slabBytes,
    long dedicated,
    long dedicatedBytes,
    long unfinished,
    long unfinishedBytes,
    long held,
    long heldBytes,
    long heldUnseen,
    String gauges,
    long prepared,
    long preparedBytes,
    long hugePageBytes,
    long hugePageFailures,
    long buffers,
    long bufferBytes,
    long spilled,
    long evicted,
    long expired,
    long sessions,
    long waiting,
    long watchers,
    long ownBytes,
    long ownBuffers,
    long quotaBytes,
    long quotaBuffers) {

  /// The rows in the order of the table.
  public Map<String, Object> rows() {
    Map<String, Object> rows = new LinkedHashMap<>();
    rows.put("server", server);
    rows.put("uptime_seconds", uptimeSeconds);
    rows.put("aot_cache", AotCache.STATE);
    rows.put("capacity", capacity);
    rows.put("capacity_asked", capacityAsked);
    rows.put("used", used);
    rows.put("catalog_bytes", catalogBytes);
    rows.put("slabs", slabs);
    rows.put("slab_bytes", slabBytes);
    rows.put("dedicated", dedicated);
    rows.put("dedicated_bytes", dedicatedBytes);
    rows.put("unfinished", unfinished);
    rows.put("unfinished_bytes", unfinishedBytes);
    rows.put("held", held);
    rows.put("held_bytes", heldBytes);
    rows.put("held_unseen", heldUnseen);
    rows.put("gauges", gauges);
    rows.put("prepared", prepared);
    rows.put("prepared_bytes", preparedBytes);
    rows.put("huge_page_bytes", hugePageBytes);
    rows.put("huge_page_failures", hugePageFailures);
    rows.put("buffers", buffers);
    rows.put("buffer_bytes", bufferBytes);
    rows.put("spilled", spilled);
    rows.put("evicted", evicted);
    rows.put("expired", expired);
    rows.put("sessions", sessions);
    rows.put("waiting", waiting);
    rows.put("watchers", watchers);
    rows.put("own_bytes", ownBytes);
    rows.put("own_buffers", ownBuffers);
    rows.put("quota_bytes", quotaOf(quotaBytes));
    rows.put("quota_buffers", quotaOf(quotaBuffers));
    return rows;
  }

  /// Without a quota it is the greatest number there can be.
  private static long quotaOf(long limit) {
    return Math.min(limit, Limits.SEQ_MAX);
  }
}
