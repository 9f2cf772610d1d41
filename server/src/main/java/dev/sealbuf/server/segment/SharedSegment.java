package dev.sealbuf.server.segment;

import dev.sealbuf.memory.Fd;
import java.io.IOException;

/// A segment that others may hold: what the daemon knows of it after nothing leads to it any more.
///
/// It ends in two steps, both on a worker, since either may be what frees the memory. After
/// [#unmap] only the [#description] is the daemon's: who asks the kernel whether anybody holds the
/// memory is not answered with the daemon's own mappings. [#close] lets go of that too.
public interface SharedSegment extends AutoCloseable {
  /// Catalog segments and slabs are numbered together, dedicated segments apart from them.
  long number();

  long bytes();

  SegmentKind kind();

  /// The read-only description that the daemon keeps.
  Fd description();

  /// A fresh description to read, for a peer.
  Fd freshReadOnly() throws IOException;

  /// Ends the daemon's own mappings. Nothing reads or writes through them any more.
  void unmap();

  @Override
  void close();
}
