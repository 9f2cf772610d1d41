package dev.sealbuf.client;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Small buffers that were found before, by name: whether one of them still has its name is one
/// word of the catalog ([CatalogReader#isCurrent]), so a get of it neither encodes nor hashes the
/// name again nor reads the record.
///
/// Two names that fall into one slot drive each other out; then a get is a search as before.
///
/// **No slab stays for what stands here.** A slab is not held for an entry, but one whose user
/// forgot to close a buffer is unmapped when nobody can reach it ([SharedMapping]). So when a slab
/// is let go of, its entries go too ([#forget]); an entry that comes too late for that goes at
/// once, which is why the store of an entry comes before the look at its slab.
///
/// For any thread: an entry is immutable, and a thread that sees an older one compares its word
/// with the catalog all the same.
final class FoundBefore {
  /// A record with more metadata is not kept: all of them together would fill the heap.
  static final int RECORD_MAX = 512;

  /// 128 KiB, and when all are used some 9 MiB of heap, 25 with the longest records. Of 10 000
  /// names used at random one in seven is driven out between two gets of it.
  private static final int LOG2_SLOTS = 15;

  /// 2^32 by the golden ratio: names that differ in a number at their end, whose hashes lie close,
  /// come to lie far apart.
  private static final int SPREAD = 0x9e3779b9;

  /// All that opening it again takes, side by side: what is reached through another object may be a
  /// cache miss more.
  ///
  /// @param word that led to the buffer
  record Entry(
      String name,
      int hash,
      long word,
      SharedMapping slab,
      MemorySegment bytes,
      Supplier<SealedBuffer.Described> described) {}

  private final AtomicReferenceArray<@Nullable Entry> entries =
      new AtomicReferenceArray<>(1 << LOG2_SLOTS);

  /// What was found last under a name, if that stands here still.
  @Nullable Entry get(String name) {
    Entry entry = entries.get(slot(name));
    return entry != null && entry.name.equals(name) ? entry : null;
  }

  void put(Entry entry) {
    int slot = slot(entry.name);
    entries.set(slot, entry);
    if (entry.slab.isLeaving()) {
      entries.set(slot, null);
    }
  }

  /// Forgets what lies in slabs that were let go of.
  void forget() {
    for (int slot = 0; slot < entries.length(); slot++) {
      Entry entry = entries.get(slot);
      if (entry != null && entry.slab.isLeaving()) {
        entries.compareAndSet(slot, entry, null);
      }
    }
  }

  private static int slot(String name) {
    return (name.hashCode() * SPREAD) >>> (Integer.SIZE - LOG2_SLOTS);
  }
}
