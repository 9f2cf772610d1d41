package dev.sealbuf.server.store;

import dev.sealbuf.server.host.ControlGroup;
import java.util.Optional;

/// How much the kernel lets the store take before it kills somebody.
///
/// The account knows what the store has; a control group is also charged for the heap, for what
/// clients in it take, and for pages that outlive their file. So a new segment needs room in both.
///
/// Reading the group's files takes some 0.1 ms, too much for each request. What they said is used
/// up instead: each admission takes from it, nothing is given back, and when it does not suffice,
/// or is older than a quarter of a second, the files are read again. Memory that was admitted and
/// not touched yet is in no file, so it is taken off again after each reading. That is safe:
/// between two readings the store takes no more than was there at the first; what others take in a
/// quarter of a second has to come out of the reserve.
///
/// The stores of a daemon share it: to the control group they are one.
///
/// The reserve is what the JVM may still grow by.
public final class Headroom {
  private static final long STALE_NANOS = 250_000_000;

  /// Compiled code, metaspace, stacks, Netty's native memory, page tables.
  private static final long JVM_OVERHEAD = 48L << 20;

  /// Each CPU takes up to 64 pages for the group in advance.
  private static final long NOISE = 4L << 20;

  /// Of what workers are about to give back, so much may be taken before they have: it is part of
  /// the reserve.
  private static final long ADVANCE = 16L << 20;

  private final Optional<ControlGroup> group;
  private final Clock clock;
  private final long sharedAtStart;
  private long left;
  private long shared;
  private long readAt;
  private long accounted;
  private long untouched;
  private double promised;

  /// @param group with a limit; without one there is nothing to ask for
  public Headroom(Optional<ControlGroup> group, Clock clock) {
    this.group = group.filter(present -> present.limit().isPresent());
    this.clock = clock;
    this.sharedAtStart = this.group.map(ControlGroup::shared).orElse(0L);
    read();
  }

  private static long reserve() {
    Runtime jvm = Runtime.getRuntime();
    return jvm.maxMemory() - jvm.totalMemory() + JVM_OVERHEAD;
  }

  /// What a store can be promised that begins now, at most `capacity`.
  public static long capacity(long capacity, Optional<ControlGroup> group) {
    return Math.min(capacity, group.map(ControlGroup::room).orElse(Long.MAX_VALUE) - reserve());
  }

  /// Without a group there is no limit.
  static Headroom unlimited() {
    return new Headroom(Optional.empty(), Clock.system());
  }

  /// A store has so much more capacity; negative: less.
  void promise(long capacity) {
    promised += capacity;
  }

  /// So many bytes more are charged in some store, or being given back by its workers; negative:
  /// less.
  void account(long bytes) {
    accounted += bytes;
  }

  /// So many bytes more were admitted that the kernel may not know of yet; negative: less.
  void untouched(long bytes) {
    untouched += bytes;
  }

  /// Takes room for so many bytes, if there is.
  ///
  /// @param closing bytes that workers are giving back
  boolean admits(long bytes, long closing) {
    if (group.isEmpty()) {
      return true;
    }
    boolean stale = clock.nanos() - readAt > STALE_NANOS;
    if (stale || bytes > left) {
      read();
    }
    if (bytes > left + Math.min(closing, ADVANCE)) {
      return false;
    }
    left -= bytes;
    return true;
  }

  /// What would be admitted, as far as is known.
  long left() {
    refresh();
    return left;
  }

  /// What the kernel charges beyond what the stores know they have: the part of a store of that
  /// capacity, since nothing says whose it is.
  long unseen(long capacity) {
    refresh();
    long unseen = shared - sharedAtStart - accounted;
    return group.isPresent() && unseen > NOISE ? (long) (unseen * (capacity / promised)) : 0;
  }

  private void refresh() {
    if (group.isPresent() && clock.nanos() - readAt > STALE_NANOS) {
      read();
    }
  }

  /// Asks the kernel anew.
  void read() {
    readAt = clock.nanos();
    shared = group.map(ControlGroup::shared).orElse(0L);
    left = group.map(present -> present.room() - reserve() - untouched).orElse(Long.MAX_VALUE);
  }
}
