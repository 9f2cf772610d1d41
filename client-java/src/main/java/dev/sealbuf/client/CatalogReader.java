package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// Finds a name in the shared catalog: "How to read a name" of `protocol/LAYOUT.md`, with its
/// numbers.
///
/// No lock, no fence and, when catalog and slab are mapped, no system call: every decision hangs on
/// one aligned 8-byte load. Why that is right stands in ARCHITECTURE.md. Two orders matter here:
/// the directory word is loaded anew for each name, before the slots (a table that was replaced is
/// left as it was, so an old one would answer for ever); and the owner word comes first, since
/// nobody corrects a dead daemon's catalog.
///
/// For any thread. What is cached (where tables lie, which segments are mapped) is checked against
/// a word or can be forgotten.
final class CatalogReader {
  /// How often a search begins again because a slab was retired under it, before the daemon is
  /// asked.
  private static final int RESTARTS_MAX = 3;

  private final MemorySegment header;
  private final SegmentCache segments;
  private final AtomicReferenceArray<@Nullable Table> tables =
      new AtomicReferenceArray<>(HeaderLayout.TABLES);
  private volatile long epoch;

  /// What a search says.
  sealed interface Lookup {}

  /// The record at byte `at` of a slab carries the name.
  record Found(long number, MemorySegment slab, long at) implements Lookup {}

  /// A search without a place.
  enum Miss implements Lookup {
    /// No live buffer has the name.
    ABSENT,

    /// The catalog does not say; the daemon does.
    ASK
  }

  private record Table(long word, MemorySegment segment, long offset, int log2Slots) {
    long home(int hash) {
      return NameHash.home(hash, log2Slots);
    }

    long slots() {
      return 1L << log2Slots;
    }
  }

  CatalogReader(MemorySegment header, SegmentCache segments) throws LayoutException {
    HeaderLayout.check(header);
    this.header = header;
    this.segments = segments;
    this.epoch = HeaderLayout.epoch(header);
  }

  long daemon() {
    return HeaderLayout.daemon(header);
  }

  Lookup find(byte[] name, Deadline deadline) {
    requireLivingDaemon(); // 1
    forgetRetired(); // 2
    int hash = NameHash.of(name);
    try {
      for (int attempt = 0; attempt <= RESTARTS_MAX; attempt++) {
        try {
          return search(hash, name, deadline);
        } catch (NotFoundException _) {
          // A segment that a word named was retired meanwhile, so the word is an old one.
        }
      }
      return Miss.ASK;
    } catch (LayoutException e) {
      throw new ProtocolException("the catalog is damaged: " + e.getMessage());
    }
  }

  /// One search.
  ///
  /// @throws NotFoundException when it has to begin again
  private Lookup search(int hash, byte[] name, Deadline deadline) throws LayoutException {
    Table table = table(NameHash.table(hash), deadline);
    if (table == null) {
      return Miss.ASK;
    }
    int tag = NameHash.tag(hash);
    for (long step = 0; step < TableWord.WINDOW; step++) { // 4
      long slot = table.home(hash) + step & table.slots() - 1;
      long word = TableWord.load(table.segment, table.offset, slot);
      if (word == TableWord.EMPTY) {
        return Miss.ABSENT;
      }
      if (!TableWord.isLive(word) || TableWord.tag(word) != tag) {
        continue;
      }
      MemorySegment slab = segments.get(TableWord.slab(word), deadline); // 5
      long at = TableWord.offset(word);
      if (BufferRecord.isNamed(slab, at, name)) { // 6
        return new Found(TableWord.slab(word), slab, at);
      }
    }
    return Miss.ASK;
  }

  /// Step 3: where the table lies now, and its segment mapped.
  private @Nullable Table table(int index, Deadline deadline) throws LayoutException {
    long word = HeaderLayout.directoryWord(header, index);
    Table known = tables.get(index);
    if (known != null && known.word == word) {
      return known;
    }
    if (word == 0) {
      return null;
    }
    Table found = locate(word, segments.get(DirectoryWord.segment(word), deadline));
    tables.set(index, found);
    return found;
  }

  private static Table locate(long word, MemorySegment segment) throws LayoutException {
    int log2 = DirectoryWord.log2Slots(word);
    long offset = DirectoryWord.offset(word);
    boolean sized = log2 >= DirectoryWord.LOG2_SLOTS_MIN && log2 <= DirectoryWord.LOG2_SLOTS_MAX;
    if (!sized || offset + ((long) Long.BYTES << log2) > segment.byteSize()) {
      throw new LayoutException(
          "table outside its segment: log2_slots=%d offset=%d segment_bytes=%d"
              .formatted(log2, offset, segment.byteSize()));
    }
    return new Table(word, segment, offset, log2);
  }

  private void requireLivingDaemon() {
    if (!HeaderLayout.isAlive(header)) {
      throw new DisconnectedException("the daemon is gone: daemon=%016x".formatted(daemon()));
    }
  }

  private void forgetRetired() {
    long now = HeaderLayout.epoch(header);
    if (now != epoch) {
      epoch = now;
      segments.clear();
    }
  }
}
