package dev.sealbuf.server.store;

import dev.sealbuf.memory.Lease;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.SharedSegment;
import dev.sealbuf.server.segment.Slab;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Makes room by taking away the buffers that were published first, for namespaces that want it.
/// Also for the catalog: names that are smaller than those that went need larger tables.
///
/// What is evicted must give memory back at once, so it is whole segments that go: a dedicated
/// segment, or a full slab with everything in it. One that anybody holds is passed over (a lease
/// asks, [Gauges] must say that it can be relied on): nothing that is looked at is ever taken, and
/// neither is what only seems to be in the way. The order is that of memory, which is that of
/// publication. A request that is refused for what it asks has nothing evicted for it: it is
/// checked first.
///
/// A request does only so much work; when the oldest part of the store is held, the next one goes
/// on where it ended, and begins anew at the end.
final class Evictor {
  /// Leases asked on behalf of one request: below a millisecond.
  private static final int PROBES = 128;

  /// More than a record takes with the longest name, of a buffer of which nothing is said.
  static final long RECORD_BYTES = 512;

  /// Records looked at on behalf of one request.
  private static final long STEPS = 32_768;

  private boolean enabled;
  private final Account account;
  private final Slabs slabs;
  private final DedicatedSegments dedicated;
  private final SlabWalk walk;
  private final PublishedBuffers published;
  private Place next = Place.START;
  private long evicted;
  private int probes;

  Evictor(
      Account account,
      Slabs slabs,
      DedicatedSegments dedicated,
      SlabWalk walk,
      PublishedBuffers published) {
    this.account = account;
    this.slabs = slabs;
    this.dedicated = dedicated;
    this.walk = walk;
    this.published = published;
  }

  /// Whether anything is to be evicted at all; not before this is said.
  void enable(boolean evicts) {
    enabled = evicts;
  }

  /// How many buffers went.
  long evicted() {
    return evicted;
  }

  /// Evicts for records and payloads that go to slabs, unless the open one has room for them.
  void makeRoomInSlabs(long bytes) {
    if (enabled && !slabs.hasRoom(bytes)) {
      makeRoom(Slab.BYTES);
    }
  }

  /// Evicts for a dedicated segment and its record.
  void makeRoomForSegment(long nbytes) {
    if (enabled && nbytes >= 0 && nbytes < account.capacity()) {
      makeRoom(DedicatedSegment.bytesFor(nbytes));
      makeRoomInSlabs(RECORD_BYTES);
    }
  }

  /// Evicts for a larger table of the catalog.
  void makeRoomForTable(long bytes) {
    if (enabled) {
      makeRoom(bytes);
    }
  }

  /// Evicts until so many bytes are free, or nothing more may go.
  private void makeRoom(long bytes) {
    probes = 0;
    SlabWalk.Budget budget = new SlabWalk.Budget(STEPS);
    for (int rounds = 0; rounds < 2 && !account.hasRoom(bytes); ) {
      Optional<Slab> slab = slabs.from(next.slab());
      if (slab.isEmpty()) {
        next = Place.START;
        rounds++;
      } else if (probes >= PROBES || budget.isSpent()) {
        return;
      } else {
        next = evictFrom(slab.get(), bytes, budget);
      }
    }
  }

  /// What is live in a slab: all that must go for it to go.
  private record Content(List<BufferRecord> inline, Map<Long, List<BufferRecord>> dedicated) {}

  /// A slab that is held is not walked, unless a record in it may lead to a dedicated segment.
  private Place evictFrom(Slab slab, long bytes, SlabWalk.Budget budget) {
    boolean full = slabs.open().filter(open -> open == slab).isEmpty();
    boolean free = full && isFree(slab);
    if (free || slab.leadsElsewhere()) {
      Content content = content(slab, budget);
      if (!evictDedicated(content, bytes)) {
        return new Place(slab.number(), 0);
      }
      boolean last = slab.live() == content.inline.size();
      if (free && last && !account.hasRoom(bytes)) {
        evict(content.inline);
      }
    }
    return new Place(slab.number() + 1, 0);
  }

  /// False when it ended before the last because there is room.
  private boolean evictDedicated(Content content, long bytes) {
    for (Map.Entry<Long, List<BufferRecord>> each : content.dedicated.entrySet()) {
      if (account.hasRoom(bytes)) {
        return false;
      }
      Optional<DedicatedSegment> segment = dedicated.find(each.getKey());
      if (segment.isPresent() && isFree(segment.get())) {
        evict(each.getValue());
      }
    }
    return true;
  }

  private Content content(Slab slab, SlabWalk.Budget budget) {
    Content content = new Content(new ArrayList<>(), new HashMap<>());
    SlabWalk.Budget whole = new SlabWalk.Budget(Long.MAX_VALUE);
    walk.walk(
        new Place(slab.number(), 0),
        Long.MAX_VALUE,
        whole,
        (record, place) -> {
          if (place.slab() != slab.number()) {
            return false;
          }
          budget.spend(1);
          if (record.segment() == 0) {
            content.inline.add(record);
          } else {
            content.dedicated.computeIfAbsent(record.segment(), _ -> new ArrayList<>()).add(record);
          }
          return true;
        });
    return content;
  }

  private boolean isFree(SharedSegment segment) {
    probes++;
    try {
      return Lease.probe(segment.description()) == Lease.Answer.FREE;
    } catch (IOException _) {
      return false;
    }
  }

  private void evict(List<BufferRecord> records) {
    for (BufferRecord record : records) {
      published.remove(Name.of(record));
      evicted++;
    }
  }
}
