package dev.sealbuf.server.channel;

import java.nio.ByteBuffer;

/// Bytes of one connection that have arrived and wait to be looked at.
///
/// Normally none outlast the turn in which they came: they are looked at where Netty received them.
/// What does outlast it is copied to the heap, because Netty's own buffers come out of a memory
/// that all connections share and that is not accounted. Up to one first read of it is part of what
/// a session costs; more is counted in the budget.
///
/// Reading stops while bytes wait here; yet when the peer hangs up, Netty reads everything it had
/// sent before. MAX bounds that: a connection that brings more has ended.
final class Unread implements AutoCloseable {
  private static final int MAX = 64 * 1024;
  private static final ByteBuffer NONE = ByteBuffer.allocate(0);

  private final HeapBudget.Share share;
  private ByteBuffer bytes = NONE;

  /// Length of the copy on the heap; 0 while the bytes are somebody else's.
  private int kept;

  Unread(HeapBudget.Share share) {
    this.share = share;
  }

  boolean isEmpty() {
    return !bytes.hasRemaining();
  }

  /// The bytes; whoever reads moves the position.
  ByteBuffer bytes() {
    return bytes;
  }

  /// Adds bytes that belong to somebody else, until [#settle].
  void borrow(ByteBuffer more) {
    if (isEmpty()) {
      bytes = more;
    } else {
      bytes = ByteBuffer.allocate(bytes.remaining() + more.remaining()).put(bytes).put(more).flip();
    }
  }

  /// Makes what is left its own; false if there is no room for it.
  boolean settle() {
    int left = bytes.remaining();
    if (left == kept && bytes.capacity() == kept) {
      return true;
    }
    share.give(counted(kept));
    kept = 0;
    if (left == 0) {
      bytes = NONE;
      return true;
    }
    if (left > MAX || !share.take(counted(left))) {
      return false;
    }
    kept = left;
    bytes = ByteBuffer.allocate(left).put(bytes).flip();
    return true;
  }

  private static int counted(int length) {
    return length <= ReadSize.FIRST ? 0 : length;
  }

  @Override
  public void close() {
    share.give(counted(kept));
    kept = 0;
    bytes = NONE;
  }
}
