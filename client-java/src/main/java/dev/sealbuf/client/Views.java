package dev.sealbuf.client;

import dev.sealbuf.memory.ViewsInUseException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// What writers and buffers share: views for code that knows no memory segments, and their end.
final class Views {
  /// Arrays of nearly 2^31 elements exist; the last few the JVM keeps for itself.
  private static final int ARRAY_MAX = Integer.MAX_VALUE - 8;

  private Views() {}

  static ByteBuffer byteBuffer(MemorySegment bytes) {
    requireAtMost("a ByteBuffer", Integer.MAX_VALUE, bytes);
    return bytes.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /// Bytes for a frame, where they are if the socket can take them from there.
  ///
  /// The kernel gets addresses only, so nobody else checks that there still is memory behind them.
  static ByteBuffer payload(MemorySegment data) {
    if (!data.scope().isAlive()) {
      throw new IllegalStateException("what is to be put was closed: data=" + data);
    }
    return data.isNative()
        ? data.asByteBuffer()
        : ByteBuffer.wrap(data.toArray(ValueLayout.JAVA_BYTE));
  }

  /// Metadata for a frame, and the data behind it.
  static ByteBuffer payload(byte[] metadata, MemorySegment data) {
    int nbytes = Math.toIntExact(data.byteSize());
    ByteBuffer payload = ByteBuffer.allocate(metadata.length + nbytes).put(metadata);
    MemorySegment.ofBuffer(payload).copyFrom(data);
    return payload.rewind();
  }

  static void requireArraySize(MemorySegment bytes) {
    requireAtMost("an array", ARRAY_MAX, bytes);
  }

  private static void requireAtMost(String what, int max, MemorySegment bytes) {
    if (bytes.byteSize() > max) {
      throw new InvalidRequestException(
          "%s holds at most 2 GiB, segment() any size: nbytes=%d max=%d"
              .formatted(what, bytes.byteSize(), max));
    }
  }

  /// Runs what ends views, unless one is in use.
  static void end(Runnable step, String name) {
    try {
      step.run();
    } catch (ViewsInUseException e) {
      StillMappedException inUse =
          new StillMappedException("a thread is inside a call on a view: name=" + name);
      inUse.initCause(e);
      throw inUse;
    }
  }
}
