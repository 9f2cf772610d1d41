package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.Seals;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.LittleEndian;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.RecordParts;
import dev.sealbuf.protocol.TableWord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// A catalog segment and a slab, written word by word: header, two tables of 64 words, records.
final class TestCatalog implements AutoCloseable {
  static final long CATALOG = 1;
  static final long SLAB = 2;
  static final int LOG2_SLOTS = 6;
  static final int SLOTS = 1 << LOG2_SLOTS;
  static final long BYTES = 3L * HeaderLayout.PAGE_BYTES;

  private static final int LIVING = 4711;
  private static final Seals SHARED =
      Seals.of(Seals.FUTURE_WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);

  final Fd catalogFd;
  final Fd slabFd;
  private final Mapping catalogMapping;
  private final Mapping slabMapping;
  private final MemorySegment catalog;
  private final MemorySegment slab;
  private int table;
  private long nextRecord;

  TestCatalog() throws IOException {
    catalogFd = file(BYTES);
    slabFd = file(RecordLayout.SLAB_BYTES);
    catalogMapping = Mapping.readWrite(catalogFd, BYTES);
    slabMapping = Mapping.readWrite(slabFd, RecordLayout.SLAB_BYTES);
    catalog = catalogMapping.segment();
    slab = slabMapping.segment();
    Memfd.addSeals(catalogFd, SHARED);
    Memfd.addSeals(slabFd, SHARED);
    HeaderLayout.publish(catalog, 1);
    owner(LIVING);
    useTable(0);
  }

  private static Fd file(long bytes) throws IOException {
    Fd fd = Memfd.create("test-catalog");
    Memfd.resize(fd, bytes);
    return fd;
  }

  /// What a client has that connected to this catalog's daemon.
  SegmentCache cache(Connection connection) {
    SharedMapping first = SharedMapping.map(catalogFd, BYTES);
    first.release();
    return new SegmentCache(connection, CATALOG, first);
  }

  MemorySegment header() {
    return catalog;
  }

  void owner(int word) {
    LittleEndian.setRelease32(catalog, HeaderLayout.OWNER, word);
  }

  /// Lets every directory word lead to the table on the page behind the header, or the next one.
  void useTable(int number) {
    table = number;
    directory(DirectoryWord.pack(LOG2_SLOTS, 1 + number, CATALOG));
  }

  void directory(long word) {
    for (int index = 0; index < HeaderLayout.TABLES; index++) {
      HeaderLayout.setDirectoryWord(catalog, index, word);
    }
  }

  /// Appends a record; the byte where it begins.
  long record(String name) {
    byte[] utf8 = name.getBytes(UTF_8);
    long at = nextRecord;
    RecordParts parts = new RecordParts(1, utf8.length, 1, 0, 0);
    long bytes = parts.bytes();
    slab.set(LittleEndian.U32, at + RecordLayout.RECORD_BYTES, (int) bytes);
    slab.set(LittleEndian.U8, at + RecordLayout.NDIM, (byte) 1);
    slab.set(LittleEndian.U16, at + RecordLayout.FORMAT_BYTES, (short) 1);
    slab.set(LittleEndian.U8, at + RecordLayout.NAME_BYTES, (byte) utf8.length);
    MemorySegment.copy(utf8, 0, slab, LittleEndian.U8, at + parts.name(), utf8.length);
    nextRecord = RecordLayout.align(at + bytes);
    return at;
  }

  /// Spoils the record at a byte of the slab.
  void spoil(long at) {
    slab.set(LittleEndian.U32, at + RecordLayout.RECORD_BYTES, -1);
  }

  /// The word that leads to a record, as the name's hash has it.
  static long word(String name, long slab, long at) {
    return TableWord.pack(NameHash.tag(hash(name)), slab, at);
  }

  /// Stores a word so many slots behind the home of a name.
  void store(String name, long step, long word) {
    long slot = NameHash.home(hash(name), LOG2_SLOTS) + step & SLOTS - 1;
    TableWord.store(catalog, (1L + table) * HeaderLayout.PAGE_BYTES, slot, word);
  }

  static int hash(String name) {
    return NameHash.of(name.getBytes(UTF_8));
  }

  @Override
  public void close() {
    catalogMapping.close();
    slabMapping.close();
    catalogFd.close();
    slabFd.close();
  }
}
