package dev.sealbuf.server.store;

import dev.sealbuf.memory.ResourceLimits;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.host.ControlGroup;
import dev.sealbuf.server.segment.Slab;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.random.RandomGenerator;

/// How large a store may become, and what it takes from its surroundings.
///
/// @param capacity bytes of memory it may take, catalog and slabs included
/// @param capacityAsked what it was told to take; more than `capacity` where a control group allows
///   less
/// @param segmentsMax segments it may have: each keeps a descriptor of the daemon open and some of
///   its heap
/// @param daemonUid whose peers may delete and abort everything
/// @param server version of the daemon, for `stat`
/// @param policy what happens to buffers without anybody asking for it
/// @param group whose limit is not to be reached
/// @param random of which nobody can guess the next number
public record StoreConfig(
    long capacity,
    long capacityAsked,
    int segmentsMax,
    int daemonUid,
    String server,
    NamespacePolicy policy,
    Optional<ControlGroup> group,
    Clock clock,
    RandomGenerator random) {

  /// The catalog and the first slab, without which nothing can be published.
  public static final long CAPACITY_MIN = TableSpace.FIRST_BYTES + Slab.BYTES;

  /// The largest number that `stat` can say.
  public static final long CAPACITY_MAX = Limits.SEQ_MAX;

  /// Descriptors kept for connections and for replies under way.
  private static final int RESERVED_DESCRIPTORS = 4096;

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

  /// On this machine, with as many segments as RLIMIT_NOFILE and the heap allow.
  ///
  /// @throws IOException when the control group of this process leaves too little
  public static StoreConfig of(long capacity, int daemonUid, String server, NamespacePolicy policy)
      throws IOException {
    Optional<ControlGroup> group = ControlGroup.own();
    long room = allowed(capacity, 0, group);
    return new StoreConfig(
        room,
        capacity,
        segmentsMax(ResourceLimits.openFiles(), Runtime.getRuntime().maxMemory()),
        daemonUid,
        server,
        policy,
        group,
        Clock.system(),
        new SecureRandom());
  }

  /// What of a capacity the control group leaves to a store that has taken so much already.
  ///
  /// @throws IOException when that is too little
  public static long allowed(long capacity, long used) throws IOException {
    return allowed(capacity, used, ControlGroup.own());
  }

  private static long allowed(long capacity, long used, Optional<ControlGroup> group)
      throws IOException {
    long room = used + Headroom.capacity(capacity - used, group);
    if (room < CAPACITY_MIN) {
      throw new IOException(
          "the control group leaves no room for a store: room=%d min=%d"
              .formatted(room, CAPACITY_MIN));
    }
    return room;
  }

  /// What is left of the process's descriptors, half of them where they are few; and no more than
  /// half of the heap can describe.
  static int segmentsMax(long openFiles, long heapBytes) {
    long descriptors = Math.max(openFiles - RESERVED_DESCRIPTORS, openFiles / 2);
    long described = heapBytes / 2 / HEAP_PER_SEGMENT;
    return (int) Math.min(Math.min(descriptors, described), Integer.MAX_VALUE);
  }
}
