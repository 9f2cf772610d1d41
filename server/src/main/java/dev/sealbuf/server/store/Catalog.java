package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.OwnerLock;
import dev.sealbuf.memory.PageSizes;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import dev.sealbuf.server.segment.DaemonSegment;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// The writer of the catalog: name -> place of its record, one aligned word a name, read by every
/// process without asking.
///
/// The daemon keeps no other index. A name is looked up here as a reader would do it: from its
/// home, at most WINDOW words, comparing names in the records themselves; so nothing on the heap
/// grows with the number of buffers.
///
/// What readers rely on (`protocol/LAYOUT.md`), and where it is kept:
///
/// - A word is stored once, with release, after its record ([#insert]).
/// - A live name never moves, and no EMPTY lies between its home and its place: a name goes into
///   the first slot of its window that is not live ([#freeSlot]), and a slot becomes EMPTY only if
///   the one behind it is EMPTY ([#remove]).
///
/// Its tables have a fixed size: 256 tables of 2048 slots. A name whose window is full is refused;
/// at half of the slots, 262 144 names, that befalls a few in a hundred thousand.
final class Catalog implements AutoCloseable {
  /// Of the only catalog segment.
  static final long NUMBER = 1;

  static final int TABLES = HeaderLayout.TABLES;
  static final int LOG2_SLOTS = 11;
  static final int SLOTS = 1 << LOG2_SLOTS;

  private static final int TABLE_BYTES = SLOTS * Long.BYTES;

  /// Header page and tables.
  static final long BYTES =
      PageSizes.roundUp(HeaderLayout.PAGE_BYTES + (long) TABLES * TABLE_BYTES);

  private final Slabs slabs;
  private final DaemonSegment segment;
  private final MemorySegment memory;
  private final OwnerLock owner;
  private final long daemon;

  private Catalog(Slabs slabs, DaemonSegment segment, OwnerLock owner, long daemon) {
    this.slabs = slabs;
    this.segment = segment;
    this.memory = segment.writable();
    this.owner = owner;
    this.daemon = daemon;
  }

  /// Makes an empty catalog and says in its header that the daemon lives.
  ///
  /// @param daemon random, new at each start
  static Catalog create(Account account, Slabs slabs, long daemon) throws Refusal, IOException {
    Account.Charge charge = account.charge(Account.Kind.CATALOG, BYTES);
    DaemonSegment segment = DaemonSegment.create("sealbuf-catalog-" + NUMBER, BYTES);
    charge.inHugePages(segment.hugePageBytes());
    try {
      MemorySegment memory = segment.writable();
      OwnerLock owner = OwnerLock.hold(memory.asSlice(HeaderLayout.OWNER, OwnerLock.BYTES));
      fill(memory, daemon);
      return new Catalog(slabs, segment, owner, daemon);
    } catch (IOException e) {
      segment.close();
      throw e;
    }
  }

  private static void fill(MemorySegment memory, long daemon) {
    for (int table = 0; table < TABLES; table++) {
      long page = offset(table) / HeaderLayout.PAGE_BYTES;
      HeaderLayout.setDirectoryWord(memory, table, DirectoryWord.pack(LOG2_SLOTS, page, NUMBER));
    }
    HeaderLayout.publish(memory, daemon);
  }

  /// Random, new at each start.
  long daemon() {
    return daemon;
  }

  Fd freshReadOnly() throws IOException {
    return segment.freshReadOnly();
  }

  /// Where a name is live.
  Optional<Slot> find(Name name) {
    for (int step = 0; step < TableWord.WINDOW; step++) {
      Slot slot = slot(name, step);
      long word = word(slot);
      if (word == TableWord.EMPTY) {
        return Optional.empty();
      }
      if (isTagged(word, name) && slabs.isNamed(word, name)) {
        return Optional.of(slot);
      }
    }
    return Optional.empty();
  }

  /// Where a name that is not live may go.
  Slot freeSlot(Name name) throws Refusal {
    for (int step = 0; step < TableWord.WINDOW; step++) {
      Slot slot = slot(name, step);
      if (!TableWord.isLive(word(slot))) {
        return slot;
      }
    }
    throw new Refusal(
        ErrorCode.STORE_FULL,
        "no free slot for a name of this hash: name=%s hash=%08x window=%d"
            .formatted(name, name.hash(), TableWord.WINDOW));
  }

  long word(Slot slot) {
    return TableWord.load(memory, offset(slot.table()), slot.index());
  }

  /// Makes a name visible. Its record is complete.
  void insert(Slot slot, Name name, long slab, long offset) {
    store(slot, TableWord.pack(NameHash.tag(name.hash()), slab, offset));
  }

  /// Takes a name away, and frees slots that no chain needs any more.
  void remove(Slot slot) {
    store(slot, TableWord.GONE);
    for (Slot at = slot; isFreeable(at); at = neighbour(at, -1)) {
      store(at, TableWord.EMPTY);
    }
  }

  private boolean isFreeable(Slot slot) {
    return word(slot) == TableWord.GONE && word(neighbour(slot, 1)) == TableWord.EMPTY;
  }

  private void store(Slot slot, long word) {
    TableWord.store(memory, offset(slot.table()), slot.index(), word);
  }

  private static boolean isTagged(long word, Name name) {
    return TableWord.isLive(word) && TableWord.tag(word) == NameHash.tag(name.hash());
  }

  private static Slot slot(Name name, int step) {
    long home = NameHash.home(name.hash(), LOG2_SLOTS);
    return neighbour(new Slot(NameHash.table(name.hash()), (int) home), step);
  }

  /// Tables wrap round.
  private static Slot neighbour(Slot slot, int distance) {
    return new Slot(slot.table(), (slot.index() + distance) & (SLOTS - 1));
  }

  private static long offset(int table) {
    return HeaderLayout.PAGE_BYTES + (long) table * TABLE_BYTES;
  }

  /// Says goodbye in the header first: whoever still has it mapped sees 0.
  @Override
  public void close() {
    owner.close();
    segment.close();
  }
}
