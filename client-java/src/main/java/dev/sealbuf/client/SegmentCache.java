package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/// Slabs and catalog segments that are mapped already, by number. For any thread.
///
/// Forgetting one never hurts: a mapping lives as long as a slice of it is reachable, and what is
/// needed again is asked for again. So the oldest make room, and all go when the daemon retired
/// some.
final class SegmentCache {
  /// Slabs of 2 MiB whose memory an idle client may keep from going back to the kernel.
  private static final int CACHED_MAX = 1024;

  private final Connection connection;
  private final ConcurrentMap<Long, MemorySegment> mapped = new ConcurrentHashMap<>();
  private final Queue<Long> order = new ConcurrentLinkedQueue<>();

  SegmentCache(Connection connection) {
    this.connection = connection;
  }

  @Nullable MemorySegment peek(long number) {
    return mapped.get(number);
  }

  /// The segment, brought by the daemon if it is not mapped yet.
  ///
  /// @throws NotFoundException when the daemon has none of that number (any more)
  MemorySegment get(long number, Deadline deadline) {
    MemorySegment known = mapped.get(number);
    return known != null ? known : fetch(number, deadline);
  }

  private MemorySegment fetch(long number, Deadline deadline) {
    try (Answer answer = connection.call(seq -> new Request.Map(seq, number), deadline)) {
      Reply.Mapped reply = answer.expect(Reply.Mapped.class, 1);
      if (reply.segment() != number) {
        throw new ProtocolException(
            "another segment than asked for: segment=%d expected=%d"
                .formatted(reply.segment(), number));
      }
      return add(number, answer.descriptors().getFirst(), reply.segmentBytes());
    }
  }

  /// Maps a segment that came with a reply; one that is mapped already stays.
  MemorySegment add(long number, Fd fd, long bytes) {
    MemorySegment segment = Segments.mapShared(fd, bytes);
    MemorySegment earlier = mapped.putIfAbsent(number, segment);
    if (earlier != null) {
      return earlier;
    }
    order.add(number);
    if (mapped.size() > CACHED_MAX) {
      Long oldest = order.poll();
      if (oldest != null) {
        mapped.remove(oldest);
      }
    }
    return segment;
  }

  void clear() {
    order.clear();
    mapped.clear();
  }
}
