package dev.sealbuf.server.cli;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

/// A stream of unknown length in native memory: pieces, each twice as large as the one before, so
/// that nothing is copied while it grows.
final class Spool implements AutoCloseable {
  private static final long FIRST_PIECE = 1L << 20;
  private static final long LARGEST_PIECE = 1L << 28;

  private final Arena arena = Arena.ofConfined();
  private final List<MemorySegment> pieces = new ArrayList<>();

  /// Reads to the end.
  void read(FileChannel in) throws IOException {
    long size = FIRST_PIECE;
    MemorySegment piece;
    do {
      MemorySegment room = arena.allocate(size);
      piece = room.asSlice(0, Transfer.read(in, room));
      pieces.add(piece);
      size = Math.min(2 * size, LARGEST_PIECE);
    } while (piece.byteSize() > 0);
  }

  long bytes() {
    return pieces.stream().mapToLong(MemorySegment::byteSize).sum();
  }

  /// What was read first: everything, up to 1 MiB.
  MemorySegment firstPiece() {
    return pieces.getFirst();
  }

  void copyTo(MemorySegment target) {
    long at = 0;
    for (MemorySegment piece : pieces) {
      target.asSlice(at, piece.byteSize()).copyFrom(piece);
      at += piece.byteSize();
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
