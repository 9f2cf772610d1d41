package dev.sealbuf.server.store;

import dev.sealbuf.memory.OwnerLock;
import dev.sealbuf.protocol.HeaderLayout;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// The header page as the daemon writes it: that it lives, where each table lies, and which
/// segments are retired.
final class CatalogHeader implements AutoCloseable {
  private final MemorySegment memory;
  private final OwnerLock owner;
  private final long daemon;

  private CatalogHeader(MemorySegment memory, OwnerLock owner, long daemon) {
    this.memory = memory;
    this.owner = owner;
    this.daemon = daemon;
  }

  /// Begins a header in zeroed memory. From here on it says that the daemon lives.
  ///
  /// @param daemon random, new at each start
  static CatalogHeader begin(MemorySegment memory, long daemon) throws IOException {
    OwnerLock owner = OwnerLock.hold(memory.asSlice(HeaderLayout.OWNER, OwnerLock.BYTES));
    return new CatalogHeader(memory, owner, daemon);
  }

  /// All tables are placed: readers may come.
  void publish() {
    HeaderLayout.publish(memory, daemon);
  }

  long daemon() {
    return daemon;
  }

  /// Leads readers to a table that is complete.
  void place(int table, long directoryWord) {
    HeaderLayout.setDirectoryWord(memory, table, directoryWord);
  }

  /// Tells readers that a segment is retired.
  void retire(long segment) {
    HeaderLayout.retire(memory, segment);
  }

  /// Says goodbye: whoever has it mapped sees 0.
  @Override
  public void close() {
    owner.close();
  }
}
