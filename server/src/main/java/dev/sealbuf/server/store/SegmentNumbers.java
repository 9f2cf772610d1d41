package dev.sealbuf.server.store;

import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.ErrorCode;
import java.io.IOException;

/// Numbers of slabs and catalog segments, each given out once.
///
/// Table words have 28 bits for them. A store that fills a hundred slabs a second uses them up in a
/// month; then it can grow no more until it is started anew.
final class SegmentNumbers {
  /// Makes something with a number.
  @FunctionalInterface
  interface Maker<T> {
    T make(long number) throws IOException;
  }

  private long last;

  SegmentNumbers() {
    this(0);
  }

  /// @param last what was given out last
  SegmentNumbers(long last) {
    this.last = last;
  }

  /// Gives out the next number.
  long next() throws Refusal {
    requireOne();
    return ++last;
  }

  /// Gives out the next number, unless what it is for cannot be made.
  <T> T next(Maker<T> maker) throws Refusal, IOException {
    requireOne();
    T made = maker.make(last + 1);
    last++;
    return made;
  }

  /// Refuses when all are given out.
  void requireOne() throws Refusal {
    if (last == DirectoryWord.SEGMENT_MAX) {
      throw new Refusal(
          ErrorCode.STORE_FULL,
          "the daemon has given out all numbers of slabs, start it anew: max="
              + DirectoryWord.SEGMENT_MAX);
    }
  }
}
