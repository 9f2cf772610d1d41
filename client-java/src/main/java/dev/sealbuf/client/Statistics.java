package dev.sealbuf.client;

import java.util.Map;

/// The daemon's figures, by the table of stats in `protocol/PROTOCOL.md`.
///
/// @param server version of the daemon
/// @param uptimeSeconds since the daemon began to listen
/// @param capacity bytes the store may take
/// @param used bytes taken: catalog, slabs, dedicated segments, unfinished ones included
/// @param catalogBytes of `used`: catalog segments
/// @param slabs number of slabs
/// @param slabBytes of `used`: slabs
/// @param dedicated number of published dedicated segments
/// @param dedicatedBytes of `used`: published dedicated segments
/// @param unfinished number of buffers created and neither sealed nor aborted
/// @param unfinishedBytes of `used`: their segments
/// @param hugePageBytes of `used`: bytes that were prepared in huge pages
/// @param buffers number of published buffers
/// @param bufferBytes sum of their lengths
/// @param sessions connected clients
/// @param asMap every figure under its name on the wire, [Long] or [String], in the daemon's order
public record Statistics(
    String server,
    long uptimeSeconds,
    long capacity,
    long used,
    long catalogBytes,
    long slabs,
    long slabBytes,
    long dedicated,
    long dedicatedBytes,
    long unfinished,
    long unfinishedBytes,
    long hugePageBytes,
    long buffers,
    long bufferBytes,
    long sessions,
    Map<String, Object> asMap) {

  static Statistics of(Map<String, Object> stats) {
    return new Statistics(
        String.valueOf(stats.get("server")),
        number(stats, "uptime_seconds"),
        number(stats, "capacity"),
        number(stats, "used"),
        number(stats, "catalog_bytes"),
        number(stats, "slabs"),
        number(stats, "slab_bytes"),
        number(stats, "dedicated"),
        number(stats, "dedicated_bytes"),
        number(stats, "unfinished"),
        number(stats, "unfinished_bytes"),
        number(stats, "huge_page_bytes"),
        number(stats, "buffers"),
        number(stats, "buffer_bytes"),
        number(stats, "sessions"),
        stats);
  }

  private static long number(Map<String, Object> stats, String name) {
    if (stats.get(name) instanceof Long value) {
      return value;
    }
    throw new ProtocolException("the daemon left out a figure: stat=" + name);
  }
}
