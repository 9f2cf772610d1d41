package dev.sealbuf.client;

import dev.sealbuf.protocol.HoldingPayload;

/// Who was handed which segment, as far as the daemon knows.
///
/// @param kind `catalog`, `slab` or `dedicated`
/// @param segment its number
/// @param nbytes of the segment
/// @param name of the buffer in a dedicated segment; empty for a segment that several share
/// @param deleted whether no name leads to it any more
/// @param session 0, like uid and pid, when nobody is known
/// @param state `mapped`: seen in the process's memory map; `may hold`: it was handed the segment,
///   and the daemon cannot look; `gone`: its session has ended and somebody still holds the
///   segment; `unknown`: held, and by none of those who were handed it
public record Holder(
    String kind,
    long segment,
    long nbytes,
    String name,
    boolean deleted,
    long session,
    long uid,
    long pid,
    String client,
    String state) {
  static Holder of(HoldingPayload.Row row) {
    return new Holder(
        row.kind(),
        row.segment(),
        row.nbytes(),
        row.name(),
        row.deleted(),
        row.session(),
        row.uid(),
        row.pid(),
        row.client(),
        row.state());
  }
}
