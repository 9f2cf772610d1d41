package dev.sealbuf.server.store;

import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.segment.Slab;
import java.util.random.RandomGenerator;

/// How large a store may become, and what it takes from its surroundings.
///
/// @param capacity bytes of memory it may take, catalog and slabs included
/// @param capacityAsked what it was told to take; more than `capacity` where a control group allows
///   less
/// @param segmentsMax segments it may have: each keeps a descriptor of the daemon open and some of
///   its heap
/// @param heapBytes of which what clients make the store keep takes its parts
/// @param daemonUid whose processes the daemon may look into
/// @param server version of the daemon, for `stat`
/// @param policy what happens to buffers without anybody asking for it
/// @param quota what each uid may have
/// @param headroom what the control group leaves
/// @param random of which nobody can guess the next number
public record StoreConfig(
    long capacity,
    long capacityAsked,
    int segmentsMax,
    long heapBytes,
    int daemonUid,
    String server,
    NamespacePolicy policy,
    Quota.Limits quota,
    Headroom headroom,
    Clock clock,
    RandomGenerator random) {

  /// The catalog and the first slab, without which nothing can be published.
  public static final long CAPACITY_MIN = TableSpace.FIRST_BYTES + Slab.BYTES;

  /// The largest number that `stat` can say.
  public static final long CAPACITY_MAX = Limits.SEQ_MAX;

  /// Descriptors kept for ten thousand connections and for replies under way.
  private static final int RESERVED_DESCRIPTORS = 14_000;

  public StoreConfig {
    if (capacity < CAPACITY_MIN || capacity > CAPACITY_MAX) {
      throw new IllegalArgumentException(
          "capacity out of bounds: bytes=%d min=%d max=%d"
              .formatted(capacity, CAPACITY_MIN, CAPACITY_MAX));
    }
  }

  /// What a segment costs while it is written: its buffer's name, and its places in the tables. One
  /// that is published costs a quarter of that.
  private static final long HEAP_PER_SEGMENT = 1024;

  /// What is left of the process's descriptors, three tenths of them where they are few; and no
  /// more than half of the heap can describe.
  public static int segmentsMax(long openFiles, long heapBytes) {
    long descriptors = Math.max(openFiles - RESERVED_DESCRIPTORS, openFiles / 10 * 3);
    long described = heapBytes / 2 / HEAP_PER_SEGMENT;
    return (int) Math.min(Math.min(descriptors, described), Integer.MAX_VALUE);
  }
}
