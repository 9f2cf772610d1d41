package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;

/// Slabs and catalog segments of one daemon that are mapped already, by number. For any thread.
///
/// Letting go of one never hurts: open buffers keep theirs mapped, and what is needed again is
/// asked for again. So the oldest slabs make room, and what the daemon retired goes.
///
/// **No retired segment stays.** [#letGoOfRetired] follows the catalog's `retired` words. A segment
/// can be retired between the daemon's answer and its entry here, when that number has been passed
/// already. So whoever brings one says which epoch it was before the request, and after the entry
/// the words since then are looked through for that one number. The entry comes first: a word that
/// is not there yet will be met by the next [#letGoOfRetired]. For the same reason the header is
/// let go of first when the session ends.
final class SegmentCache {
  /// Slabs of 2 MiB that a client keeps mapped without reading from them.
  private static final int CACHED_MAX = 1024;

  private static final int LET_GO_AT_ONCE = 32;

  /// Retirements that can be told one by one. The daemon writes up to half of the ring of `retired`
  /// words ahead of `epoch`, so only the other half is sure to be what it was.
  private static final int TOLD_MAX = HeaderLayout.RETIRED / 2;

  private final Connection connection;
  private final long firstNumber;
  private final SharedMapping first;
  private final MemorySegment header;
  private final ConcurrentMap<Long, SharedMapping> mapped = new ConcurrentHashMap<>();
  private final Queue<Long> slabs = new ConcurrentLinkedQueue<>();
  private final FoundBefore before = new FoundBefore();
  private long seen;

  /// @param first the first catalog segment, which begins with the header and stays as long as the
  ///   daemon; from now on this cache's
  SegmentCache(Connection connection, long firstNumber, SharedMapping first) {
    this.connection = connection;
    this.firstNumber = firstNumber;
    this.first = first;
    this.header = first.segment();
    this.seen = HeaderLayout.epoch(header);
  }

  MemorySegment header() {
    return header;
  }

  /// What was found in the slabs that are mapped.
  FoundBefore before() {
    return before;
  }

  /// To be asked before the request that brings a segment.
  long epoch() {
    try {
      return HeaderLayout.epoch(header);
    } catch (IllegalStateException _) {
      throw DisconnectedException.unsent("the session has ended");
    }
  }

  /// A slab, held for the caller, brought by the daemon if it is not mapped yet.
  ///
  /// @throws NotFoundException when the daemon has none of that number (any more)
  SharedMapping slab(long number, Deadline deadline) {
    SharedMapping known = mapped.get(number);
    if (known != null && known.hold()) {
      return known;
    }
    long since = epoch();
    try (Answer answer = bring(number, deadline)) {
      Reply.Mapped reply = answer.expect(Reply.Mapped.class, 1);
      return addSlab(number, answer.descriptors().getFirst(), reply.segmentBytes(), since);
    }
  }

  /// A catalog segment, not held: it can be read as long as it is mapped.
  ///
  /// @throws NotFoundException when the daemon has none of that number (any more)
  SharedMapping tables(long number, Deadline deadline) {
    if (number == firstNumber) {
      return first;
    }
    SharedMapping known = mapped.get(number);
    if (known != null && known.isMapped()) {
      return known;
    }
    long since = epoch();
    try (Answer answer = bring(number, deadline)) {
      Reply.Mapped reply = answer.expect(Reply.Mapped.class, 1);
      SharedMapping brought =
          add(number, answer.descriptors().getFirst(), reply.segmentBytes(), since);
      brought.release();
      return brought;
    }
  }

  private Answer bring(long number, Deadline deadline) {
    Answer answer = connection.call(seq -> new Request.Map(seq, number), deadline);
    if (answer.reply() instanceof Reply.Mapped mapped && mapped.segment() != number) {
      answer.close();
      throw new ProtocolException(
          "another segment than asked for: segment=%d expected=%d"
              .formatted(mapped.segment(), number));
    }
    return answer;
  }

  /// Maps a slab that came with a reply, unless it is mapped already; held for the caller.
  ///
  /// @param since the epoch before the request
  SharedMapping addSlab(long number, Fd fd, long bytes, long since) {
    SharedMapping known = mapped.get(number);
    if (known != null && known.hold()) {
      return known;
    }
    slabs.add(number);
    SharedMapping added = add(number, fd, bytes, since);
    if (mapped.size() > CACHED_MAX) {
      letGoOfOldest();
    }
    return added;
  }

  /// A few at once, since all that was found before is looked through for it.
  private void letGoOfOldest() {
    while (mapped.size() > CACHED_MAX - LET_GO_AT_ONCE) {
      Long oldest = slabs.poll();
      if (oldest == null) {
        break;
      }
      letGo(oldest);
    }
    before.forget();
  }

  private SharedMapping add(long number, Fd fd, long bytes, long since) {
    SharedMapping fresh = SharedMapping.map(fd, bytes);
    SharedMapping current =
        mapped.compute(number, (_, known) -> known != null && known.hold() ? known : fresh);
    if (current != fresh) {
      fresh.letGo();
      fresh.release();
    }
    if (isRetired(number, since)) {
      slabs.remove(number);
      letGo(number);
      before.forget();
    }
    return current;
  }

  /// Whether a segment was retired since an epoch, or that cannot be told any more.
  private boolean isRetired(long number, long since) {
    try {
      long now = HeaderLayout.epoch(header);
      for (long at = since; at < now && now - since <= TOLD_MAX; at++) {
        if (HeaderLayout.retired(header, at) == number) {
          return true;
        }
      }
      return HeaderLayout.epoch(header) - since > TOLD_MAX;
    } catch (IllegalStateException _) {
      return true; // the session ended
    }
  }

  /// Lets go of what the daemon retired since the last time; of everything when it was more than
  /// the catalog can tell, by the time that it was read.
  synchronized void letGoOfRetired() {
    long now = HeaderLayout.epoch(header);
    if (now == seen) {
      return;
    }
    for (long at = seen; at < now && now - seen <= TOLD_MAX; at++) {
      long number = HeaderLayout.retired(header, at);
      slabs.remove(number);
      letGo(number);
    }
    if (HeaderLayout.epoch(header) - seen > TOLD_MAX) {
      letGoOfAll();
    }
    seen = now;
    before.forget();
  }

  private void letGoOfAll() {
    slabs.clear();
    mapped.keySet().forEach(this::letGo);
  }

  private void letGo(long number) {
    SharedMapping gone = mapped.remove(number);
    if (gone != null) {
      gone.letGo();
    }
  }

  /// Ends the session's mappings, those with open buffers when the last of these is closed.
  void close() {
    first.letGo();
    letGoOfAll();
    before.forget();
  }

  /// How many segments are mapped for later, besides the first.
  int size() {
    return mapped.size();
  }
}
