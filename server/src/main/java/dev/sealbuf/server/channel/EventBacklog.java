package dev.sealbuf.server.channel;

import dev.sealbuf.protocol.Limits;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/// Events for one watcher that its socket has not taken yet.
///
/// ```
/// chunk | event | event | event |     chunk | event | event |     |
///           ^ sent so far                                   ^ the next goes here
/// ```
///
/// They are copied one behind the other into chunks, so that a send takes as many as the socket has
/// room for. No frame lies in two chunks: where a chunk begins, another frame may go before it.
/// Chunks grow with what waits, so a watcher that reads keeps almost nothing.
///
/// What does not fit into WATCH_BYTES, or into what the heap has to spare, is not taken: the
/// watcher is told later that it missed something, and is not disconnected.
final class EventBacklog implements AutoCloseable {
  private static final int CHUNK_MIN = 1024;
  private static final int CHUNK_MAX = 16 * 1024;

  /// Written at the position of the buffer, sent from `sent` on.
  private static final class Chunk {
    final ByteBuffer bytes;
    int sent;

    Chunk(int capacity) {
      bytes = ByteBuffer.allocate(capacity);
    }
  }

  private final HeapBudget.Share share;
  private final Deque<Chunk> chunks = new ArrayDeque<>(1);
  private int waiting;

  EventBacklog(HeapBudget.Share share) {
    this.share = share;
  }

  boolean isEmpty() {
    return waiting == 0;
  }

  /// How many bytes wait.
  int bytes() {
    return waiting;
  }

  /// Whether a frame may have been sent in part.
  boolean isBegun() {
    return !isEmpty() && chunks.element().sent > 0;
  }

  /// Takes a copy of an event's frame; false if there is no room.
  boolean add(ByteBuffer frame) {
    int length = frame.remaining();
    if (length > Limits.WATCH_BYTES - waiting || !makeRoom(length)) {
      return false;
    }
    chunks.getLast().bytes.put(frame.duplicate());
    waiting += length;
    return true;
  }

  /// What is to be sent next: a part of the oldest chunk. Valid until the next change.
  ByteBuffer next() {
    Chunk oldest = chunks.element();
    return oldest.bytes.duplicate().flip().position(oldest.sent);
  }

  /// So many bytes of [#next] have left.
  void sent(int bytes) {
    Chunk oldest = chunks.element();
    oldest.sent += bytes;
    waiting -= bytes;
    if (oldest.sent == oldest.bytes.position()) {
      chunks.remove();
      share.give(oldest.bytes.capacity());
    }
  }

  /// Drops what has not begun to leave.
  void drop() {
    while (!chunks.isEmpty() && chunks.getLast().sent == 0) {
      Chunk dropped = chunks.removeLast();
      waiting -= dropped.bytes.position();
      share.give(dropped.bytes.capacity());
    }
  }

  private boolean makeRoom(int length) {
    if (!chunks.isEmpty() && chunks.getLast().bytes.remaining() >= length) {
      return true;
    }
    int capacity = Math.max(length, Math.clamp(waiting, CHUNK_MIN, CHUNK_MAX));
    if (!share.takeSpare(capacity)) {
      return false;
    }
    chunks.add(new Chunk(capacity));
    return true;
  }

  /// Drops everything.
  @Override
  public void close() {
    chunks.forEach(chunk -> share.give(chunk.bytes.capacity()));
    chunks.clear();
    waiting = 0;
  }
}
