package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.RecordCopy;
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
/// a word or can be forgotten. A slab is held while it is read. Tables are not: one that is
/// unmapped under a search, because it was retired, answers with an `IllegalStateException`, and
/// the search begins again, at a directory word that leads elsewhere by then.
final class CatalogReader {
  /// How often a search begins again because a slab was retired under it, before the daemon is
  /// asked.
  private static final int RESTARTS_MAX = 3;

  private final MemorySegment header;
  private final SegmentCache segments;
  private final Runnable onRetirement;
  private final String daemon;
  private final AtomicReferenceArray<@Nullable Table> tables =
      new AtomicReferenceArray<>(HeaderLayout.TABLES);
  private volatile long epoch;

  /// What a search says.
  sealed interface Lookup {}

  /// The record that a table word leads to carries the name; its slab is held for the caller.
  ///
  /// @param hash of the name
  record Found(int hash, long word, SharedMapping slab, RecordCopy record) implements Lookup {
    /// Number of the slab.
    long number() {
      return TableWord.slab(word);
    }
  }

  /// A search without a place.
  enum Miss implements Lookup {
    /// No live buffer has the name.
    ABSENT,

    /// The catalog does not say; the daemon does.
    ASK
  }

  private record Table(long word, MemorySegment segment, long offset, int log2Slots) {
    boolean isAt(long place) {
      return word == place && segment.scope().isAlive();
    }

    long home(int hash) {
      return NameHash.home(hash, log2Slots);
    }

    long slots() {
      return 1L << log2Slots;
    }

    /// The word so many slots behind the home of a name.
    long word(int hash, long step) {
      return TableWord.load(segment, offset, home(hash) + step & slots() - 1);
    }

    /// Whether a word is on the chain of a name.
    boolean leadsTo(int hash, long known) {
      for (long step = 0; step < TableWord.WINDOW; step++) {
        long word = word(hash, step);
        if (word == TableWord.EMPTY) {
          return false;
        }
        if (word == known) {
          return true;
        }
      }
      return false;
    }
  }

  /// @param onRetirement runs when a search finds that the daemon has retired segments
  CatalogReader(SegmentCache segments, Runnable onRetirement) {
    this.header = segments.header();
    this.segments = segments;
    this.onRetirement = onRetirement;
    this.daemon = "%016x".formatted(HeaderLayout.daemon(header));
    this.epoch = HeaderLayout.epoch(header);
  }

  /// The daemon's number, as it stands in the header.
  String daemon() {
    return daemon;
  }

  /// Whether the daemon that writes this catalog lives.
  boolean isAlive() {
    try {
      return HeaderLayout.isAlive(header);
    } catch (IllegalStateException _) {
      return false; // the session has ended
    }
  }

  Lookup find(byte[] name, Deadline deadline) {
    int hash = NameHash.of(name);
    for (int attempt = 0; attempt <= RESTARTS_MAX; attempt++) {
      requireLivingDaemon(); // 1
      try {
        noticeRetirement(); // 2
        return search(hash, name, deadline);
      } catch (NotFoundException | IllegalStateException _) {
        // A segment that a word led to was retired meanwhile, so the word is an old one.
      } catch (LayoutException e) {
        throw new ProtocolException("the catalog is damaged: " + e.getMessage());
      }
    }
    return Miss.ASK;
  }

  /// Whether a word that was found for a name of this hash is in its table still. No number is used
  /// twice, so it leads to the same record then. False may also mean that this cannot tell.
  ///
  /// This allocates nothing.
  boolean isCurrent(int hash, long known) {
    try {
      if (!HeaderLayout.isAlive(header)) {
        return false;
      }
      noticeRetirement();
      int index = NameHash.table(hash);
      Table table = tables.get(index);
      return table != null
          && table.isAt(HeaderLayout.directoryWord(header, index))
          && table.leadsTo(hash, known);
    } catch (IllegalStateException _) {
      return false; // the table was retired, or the session has ended
    }
  }

  /// One search.
  ///
  /// @throws NotFoundException when it has to begin again
  /// @throws IllegalStateException when it has to begin again
  private Lookup search(int hash, byte[] name, Deadline deadline) throws LayoutException {
    Table table = table(NameHash.table(hash), deadline);
    if (table == null) {
      return Miss.ASK;
    }
    int tag = NameHash.tag(hash);
    for (long step = 0; step < TableWord.WINDOW; step++) { // 4
      long word = table.word(hash, step);
      if (word == TableWord.EMPTY) {
        return Miss.ABSENT;
      }
      if (!TableWord.isLive(word) || TableWord.tag(word) != tag) {
        continue;
      }
      SharedMapping slab = segments.slab(TableWord.slab(word), deadline); // 5
      RecordCopy record = ifNamed(slab, TableWord.offset(word), name); // 6
      if (record != null) {
        return new Found(hash, word, slab, record);
      }
      slab.release();
    }
    return Miss.ASK;
  }

  private static @Nullable RecordCopy ifNamed(SharedMapping slab, long at, byte[] name)
      throws LayoutException {
    try {
      return RecordCopy.ifNamed(slab.segment(), at, name);
    } catch (LayoutException e) {
      slab.release();
      throw e;
    }
  }

  /// Step 3: where the table lies now, and its segment mapped.
  private @Nullable Table table(int index, Deadline deadline) throws LayoutException {
    long word = HeaderLayout.directoryWord(header, index);
    Table known = tables.get(index);
    if (known != null && known.isAt(word)) {
      return known;
    }
    if (word == 0) {
      return null;
    }
    SharedMapping place = segments.tables(DirectoryWord.segment(word), deadline);
    Table found = locate(word, place.segment());
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
    if (!isAlive()) {
      throw DisconnectedException.unsent("the daemon is gone: daemon=" + daemon);
    }
  }

  private void noticeRetirement() {
    long now = HeaderLayout.epoch(header);
    if (now != epoch) {
      epoch = now;
      onRetirement.run();
    }
  }
}
