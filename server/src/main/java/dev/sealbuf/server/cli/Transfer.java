package dev.sealbuf.server.cli;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/// Bytes between files and memory of any size. A ByteBuffer holds 2 GiB at most, so large memory
/// goes by windows.
final class Transfer {
  private static final long WINDOW = 1L << 30;

  private Transfer() {}

  /// Reads until the memory is full or the file ends; how many bytes it was.
  static long read(FileChannel in, MemorySegment memory) throws IOException {
    for (long at = 0; at < memory.byteSize(); ) {
      int read = in.read(window(memory, at));
      if (read < 0) {
        return at;
      }
      at += read;
    }
    return memory.byteSize();
  }

  static void write(MemorySegment memory, FileChannel out) throws IOException {
    for (long at = 0; at < memory.byteSize(); ) {
      at += out.write(window(memory, at));
    }
  }

  private static ByteBuffer window(MemorySegment memory, long at) {
    return memory.asSlice(at, Math.min(WINDOW, memory.byteSize() - at)).asByteBuffer();
  }
}
