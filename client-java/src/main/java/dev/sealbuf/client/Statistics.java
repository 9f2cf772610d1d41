package dev.sealbuf.client;

import java.util.Map;

/// The daemon's figures, by the table of stats in `protocol/PROTOCOL.md`.
///
/// @param server version of the daemon
/// @param uptimeSeconds since the daemon began to listen
/// @param aotCache whether the daemon's JVM has a cache of what it loads: `in use`, `not in use`
/// @param capacity bytes the store may take
/// @param capacityAsked what the configuration said; more than `capacity` where a control group
///   allows less
/// @param used bytes taken: catalog, slabs, dedicated segments, unfinished and held ones included;
///   not what is prepared
/// @param catalogBytes of `used`: catalog segments
/// @param slabs number of slabs
/// @param slabBytes of `used`: slabs
/// @param dedicated number of published dedicated segments
/// @param dedicatedBytes of `used`: published dedicated segments
/// @param unfinished number of buffers created and neither sealed nor aborted
/// @param unfinishedBytes of `used`: their segments
/// @param held number of segments to which no name leads any more and which somebody still holds
/// @param heldBytes of `used`: those segments
/// @param heldUnseen bytes that the kernel charges beyond what the daemon knows of
/// @param gauges how holders are noticed, as far as it works there
/// @param prepared number of segments that are ready for the next create, or lent as spares
/// @param preparedBytes beside `used`: those segments; what is not lent goes when others need room
/// @param hugePageBytes of `used` and `preparedBytes`: bytes in huge pages
/// @param hugePageFailures whole huge pages for which the kernel gave small ones, since the start
/// @param buffers number of published buffers
/// @param bufferBytes sum of their lengths
/// @param spilled names that only the daemon knows, because their place in the catalog is full
/// @param evicted buffers that went to make room, since the start
/// @param expired buffers whose time to live ended, since the start
/// @param sessions clients that have said hello
/// @param waiting parked requests
/// @param watchers sessions that watch
/// @param ownBytes what this uid is charged with: its records and segments, and its part of deleted
///   ones that it may hold
/// @param ownBuffers published buffers of this uid
/// @param quotaBytes how much of the first it may have; 2^53-1 where there is no quota
/// @param quotaBuffers how much of the second
/// @param asMap every figure under its name on the wire, [Long] or [String], in the daemon's order
public record Statistics(
    String server,
    long uptimeSeconds,
    String aotCache,
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
    long quotaBuffers,
    Map<String, Object> asMap) {

  static Statistics of(Map<String, Object> stats) {
    return new Statistics(
        text(stats, "server"),
        number(stats, "uptime_seconds"),
        text(stats, "aot_cache"),
        number(stats, "capacity"),
        number(stats, "capacity_asked"),
        number(stats, "used"),
        number(stats, "catalog_bytes"),
        number(stats, "slabs"),
        number(stats, "slab_bytes"),
        number(stats, "dedicated"),
        number(stats, "dedicated_bytes"),
        number(stats, "unfinished"),
        number(stats, "unfinished_bytes"),
        number(stats, "held"),
        number(stats, "held_bytes"),
        number(stats, "held_unseen"),
        text(stats, "gauges"),
        number(stats, "prepared"),
        number(stats, "prepared_bytes"),
        number(stats, "huge_page_bytes"),
        number(stats, "huge_page_failures"),
        number(stats, "buffers"),
        number(stats, "buffer_bytes"),
        number(stats, "spilled"),
        number(stats, "evicted"),
        number(stats, "expired"),
        number(stats, "sessions"),
        number(stats, "waiting"),
        number(stats, "watchers"),
        number(stats, "own_bytes"),
        number(stats, "own_buffers"),
        number(stats, "quota_bytes"),
        number(stats, "quota_buffers"),
        stats);
  }

  private static long number(Map<String, Object> stats, String name) {
    if (stats.get(name) instanceof Long value) {
      return value;
    }
    throw missing(name);
  }

  private static String text(Map<String, Object> stats, String name) {
    if (stats.get(name) instanceof String value) {
      return value;
    }
    throw missing(name);
  }

  private static ProtocolException missing(String name) {
    return new ProtocolException("the daemon left out a figure: stat=" + name);
  }
}
