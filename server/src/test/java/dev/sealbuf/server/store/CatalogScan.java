package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/// Reads the whole catalog in one turn of the loop and checks every word against what LAYOUT.md
/// says of it.
final class CatalogScan implements AutoCloseable {
  private final Store store;
  private final Map<Long, Mapping> segments = new HashMap<>();
  private final Map<String, BufferRecord> records = new HashMap<>();
  private long slots;

  private CatalogScan(Store store) {
    this.store = store;
  }

  /// On the loop.
  static CatalogScan of(Store store) throws Refusal, IOException, LayoutException {
    CatalogScan scan = new CatalogScan(store);
    for (int table = 0; table < HeaderLayout.TABLES; table++) {
      scan.table(table);
    }
    return scan;
  }

  /// The names that the catalog leads to.
  Map<String, BufferRecord> records() {
    return records;
  }

  /// Of all tables.
  long slots() {
    return slots;
  }

  long segments() {
    return segments.size();
  }

  private void table(int index) throws Refusal, IOException, LayoutException {
    long place = place(index);
    long count = 1L << DirectoryWord.log2Slots(place);
    slots += count;
    for (long slot = 0; slot < count; slot++) {
      long word = word(place, slot);
      if (TableWord.isLive(word)) {
        check(index, place, slot, word);
      }
    }
  }

  private void check(int index, long place, long slot, long word)
      throws Refusal, IOException, LayoutException {
    BufferRecord record = BufferRecord.read(segment(TableWord.slab(word)), TableWord.offset(word));
    byte[] utf8 = record.name().getBytes(StandardCharsets.UTF_8);
    int hash = NameHash.of(utf8);
    assertThat(NameHash.table(hash)).as(record.name()).isEqualTo(index);
    assertThat(NameHash.tag(hash)).as(record.name()).isEqualTo(TableWord.tag(word));
    long count = 1L << DirectoryWord.log2Slots(place);
    long home = NameHash.home(hash, DirectoryWord.log2Slots(place));
    assertThat(Math.floorMod(slot - home, count)).as(record.name()).isLessThan(TableWord.WINDOW);
    for (long at = home; at % count != slot; at++) {
      assertThat(word(place, at % count)).as(record.name()).isNotEqualTo(TableWord.EMPTY);
    }
    assertThat(records.put(record.name(), record)).as("in one slot: " + record.name()).isNull();
  }

  /// Whether a search for a name comes to no end in the catalog, so that the daemon is asked.
  boolean isInconclusive(String name) throws Refusal, IOException {
    int hash = NameHash.of(name.getBytes(StandardCharsets.UTF_8));
    long place = place(NameHash.table(hash));
    long count = 1L << DirectoryWord.log2Slots(place);
    long home = NameHash.home(hash, DirectoryWord.log2Slots(place));
    for (int step = 0; step < TableWord.WINDOW; step++) {
      if (word(place, (home + step) % count) == TableWord.EMPTY) {
        return false;
      }
    }
    return true;
  }

  private long place(int table) throws Refusal, IOException {
    return HeaderLayout.directoryWord(segment(TableSpace.FIRST), table);
  }

  private long word(long place, long slot) throws Refusal, IOException {
    return TableWord.load(segment(DirectoryWord.segment(place)), DirectoryWord.offset(place), slot);
  }

  private MemorySegment segment(long number) throws Refusal, IOException {
    Mapping mapped = segments.get(number);
    if (mapped == null) {
      SegmentHandle handle = store.map(TestStore.READER, number);
      try (Fd fd = handle.descriptors().getFirst()) {
        mapped = Mapping.readOnly(fd, handle.segmentBytes());
        segments.put(number, mapped);
      }
    }
    return mapped.segment();
  }

  @Override
  public void close() {
    segments.values().forEach(Mapping::close);
  }
}
