package dev.sealbuf.server.channel;

import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import java.util.function.IntSupplier;

/// How much a connection reads at once: the beginning of a frame, then what the frame still needs.
///
/// A frame whose body finds no room in the heap's budget waits, and what was read with its
/// beginning waits on the heap, too. That must not find no room as well, so it is little: what a
/// session costs anyway. What a body needs has its room before it is read.
final class ReadSize extends DefaultMaxMessagesRecvByteBufAllocator {
  /// Most small requests.
  static final int FIRST = 4 * 1024;

  private static final int MAX = 64 * 1024;

  private final IntSupplier missing;

  /// @param missing bytes that are missing to a body for which there is room
  ReadSize(IntSupplier missing) {
    this.missing = missing;
  }

  /// A read that is not filled is the last of its round, so a body's is never filled by it alone.
  @Override
  public ExtendedHandle newHandle() {
    return new MaxMessageHandle() {
      @Override
      public int guess() {
        return Math.min(MAX, missing.getAsInt() + FIRST);
      }
    };
  }
}
