package dev.sealbuf.server;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;

/// What one writer did to each of many names, so that a reader can tell whether what it got was
/// true at some moment of its read.
///
/// Every step of a name, a put, a replacement or a deletion, has a generation, which its content
/// repeats in every word. Before a step the writer notes that it begins, afterwards that it was
/// acknowledged; a reader notes what was acknowledged before it reads and what had begun after.
public final class History {
  /// What a read was.
  public enum Verdict {
    TRUE,
    /// Older than what was acknowledged before the read began.
    OUTDATED,
    /// Not found, though it was there all the time.
    LOST,
    /// Not the bytes of any one publication of this name.
    TORN
  }

  /// What was acknowledged last when a read began.
  public record Before(long generation, boolean present) {}

  private static final int NAME_SHIFT = 40;
  private static final int WORDS_MIN = 8;
  private static final int WORDS_MORE = 180;

  private final AtomicLongArray acknowledged;
  private final AtomicLongArray begun;
  private final AtomicLongArray deletionBegun;

  public History(int names) {
    acknowledged = new AtomicLongArray(names);
    begun = new AtomicLongArray(names);
    deletionBegun = new AtomicLongArray(names);
  }

  /// Nothing of it is there before its first put.
  public boolean isPresent(int name) {
    return (acknowledged.get(name) & 1) == 1;
  }

  /// A put or replacement begins; returns the content.
  public byte[] beginPut(int name) {
    long generation = begun.get(name) + 1;
    begun.set(name, generation);
    return content(name, generation);
  }

  public void beginDelete(int name) {
    long generation = begun.get(name) + 1;
    deletionBegun.set(name, generation);
    begun.set(name, generation);
  }

  /// What was begun last is done.
  public void acknowledge(int name, boolean present) {
    acknowledged.set(name, begun.get(name) << 1 | (present ? 1 : 0));
  }

  public Before before(int name) {
    long last = acknowledged.get(name);
    return new Before(last >>> 1, (last & 1) == 1);
  }

  /// Whether a read was right.
  ///
  /// @param found the bytes that were read; empty: there was no such name
  public Verdict judge(int name, Before before, Optional<byte[]> found) {
    if (found.isEmpty()) {
      boolean mayBeGone = !before.present || deletionBegun.get(name) > before.generation;
      return mayBeGone ? Verdict.TRUE : Verdict.LOST;
    }
    long generation = generation(name, found.get());
    if (generation < 1 || generation > begun.get(name)) {
      return Verdict.TORN;
    }
    boolean current =
        generation > before.generation || (generation == before.generation && before.present);
    return current ? Verdict.TRUE : Verdict.OUTDATED;
  }

  private static byte[] content(int name, long generation) {
    int words = WORDS_MIN + Math.floorMod(name * 31L + generation * 7, WORDS_MORE);
    ByteBuffer content = ByteBuffer.allocate(words * Long.BYTES);
    while (content.hasRemaining()) {
      content.putLong((long) name << NAME_SHIFT | generation);
    }
    return content.array();
  }

  /// 0 when it is not whole.
  private static long generation(int name, byte[] content) {
    if (content.length < Long.BYTES) {
      return 0;
    }
    long generation = ByteBuffer.wrap(content).getLong() & (1L << NAME_SHIFT) - 1;
    return Arrays.equals(content, content(name, generation)) ? generation : 0;
  }
}
