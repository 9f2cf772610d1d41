package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.TableWord;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// Reads as a client does: `protocol/LAYOUT.md`, "How to read a name", and nothing else. One
/// thread.
///
/// For a negative control it can be told to load each directory word only once: then it reads
/// tables that were replaced.
final class CatalogReader implements AutoCloseable {
  private static final int ATTEMPTS = 4;

  /// How far behind `epoch` the words of the ring can be trusted.
  private static final int RETIRED_TRUSTED = 64;

  /// A record, and the slab it was read from, until the next call.
  record Found(BufferRecord record, MemorySegment slab) {
    /// A payload in the slab.
    byte[] payload() {
      return bytes(slab, record);
    }
  }

  private final TestStore store;
  private final boolean looksAtDirectory;
  private final Map<Long, Mapping> segments = new HashMap<>();
  private final long[] directory = new long[HeaderLayout.TABLES];
  private final MemorySegment catalog;
  private long epoch;

  CatalogReader(TestStore store) throws Refusal {
    this(store, true);
  }

  CatalogReader(TestStore store, boolean looksAtDirectory) throws Refusal {
    this.store = store;
    this.looksAtDirectory = looksAtDirectory;
    CatalogHandle handle = store.on(Store::catalog);
    this.catalog = map(handle.segment(), handle.bytes(), handle.descriptors().getFirst());
    try {
      HeaderLayout.check(catalog);
    } catch (LayoutException e) {
      throw new AssertionError(e);
    }
    for (int table = 0; table < HeaderLayout.TABLES; table++) {
      directory[table] = HeaderLayout.directoryWord(catalog, table);
    }
  }

  MemorySegment header() {
    return catalog;
  }

  /// The record that the catalog leads to, or else the daemon.
  Optional<Found> find(String name) throws Refusal {
    forgetRetired();
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        Search search = search(name.getBytes(StandardCharsets.UTF_8));
        return search.isConclusive ? search.found : ask(name);
      } catch (Refusal e) {
        if (e.code() != ErrorCode.NOT_FOUND) {
          throw e;
        }
      }
    }
    return ask(name);
  }

  /// The same, without asking.
  Optional<Found> findInCatalog(String name) throws Refusal {
    return search(name.getBytes(StandardCharsets.UTF_8)).found;
  }

  /// What a search came to; nobody found is not conclusive when the window has no EMPTY.
  private record Search(Optional<Found> found, boolean isConclusive) {}

  /// Step 2.
  void forgetRetired() {
    long now = HeaderLayout.epoch(catalog);
    for (long at = epoch; at < now; at++) {
      forget(HeaderLayout.retired(catalog, at));
    }
    if (HeaderLayout.epoch(catalog) - epoch > RETIRED_TRUSTED) {
      forgetAll();
    }
    epoch = now;
  }

  /// Lets go of all but the header.
  void forgetAll() {
    List.copyOf(segments.keySet()).forEach(this::forget);
  }

  private void forget(long number) {
    if (number != TableSpace.FIRST && looksAtDirectory) {
      Optional.ofNullable(segments.remove(number)).ifPresent(Mapping::close);
    }
  }

  /// Steps 3 to 7.
  private Search search(byte[] name) throws Refusal {
    int hash = NameHash.of(name);
    long place = place(NameHash.table(hash));
    MemorySegment table = segment(DirectoryWord.segment(place));
    long slots = 1L << DirectoryWord.log2Slots(place);
    long home = NameHash.home(hash, DirectoryWord.log2Slots(place));
    for (int step = 0; step < TableWord.WINDOW; step++) {
      long word = TableWord.load(table, DirectoryWord.offset(place), (home + step) % slots);
      if (word == TableWord.EMPTY) {
        return new Search(Optional.empty(), true);
      }
      if (TableWord.isLive(word) && TableWord.tag(word) == NameHash.tag(hash)) {
        Optional<Found> found = named(segment(TableWord.slab(word)), TableWord.offset(word), name);
        if (found.isPresent()) {
          return new Search(found, true);
        }
      }
    }
    return new Search(Optional.empty(), false);
  }

  /// The directory word of a table.
  long place(int table) {
    return looksAtDirectory ? HeaderLayout.directoryWord(catalog, table) : directory[table];
  }

  /// The bytes of a buffer: a slice of its slab, or of the dedicated segment that `open` brings.
  Optional<byte[]> get(String name) throws Refusal {
    Optional<Found> found = find(name);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    boolean inSlab = found.get().record.segment() == 0;
    return Optional.of(inSlab ? found.get().payload() : dedicated(found.get().record));
  }

  /// The record that the daemon finds.
  Optional<Found> ask(String name) throws Refusal {
    try {
      Location location = store.openBuffer(TestStore.READER, name, OptionalLong.empty());
      byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
      return named(slab(location), location.record(), utf8);
    } catch (Refusal e) {
      if (e.code() == ErrorCode.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private MemorySegment slab(Location location) {
    Mapping mapped = segments.get(location.slab());
    MemorySegment slab =
        mapped == null
            ? map(location.slab(), location.slabBytes(), location.descriptors().getFirst())
            : mapped.segment();
    TestStore.close(location.descriptors());
    return slab;
  }

  private byte[] dedicated(BufferRecord record) throws Refusal {
    Location location = store.openBuffer(TestStore.READER, record.name(), OptionalLong.empty());
    List<Fd> descriptors = location.descriptors();
    try (Mapping mapping = Mapping.readOnly(descriptors.getLast(), location.segmentBytes())) {
      record.checkPayload(location.segmentBytes());
      return bytes(mapping.segment(), record);
    } catch (IOException | LayoutException e) {
      throw new AssertionError(e);
    } finally {
      TestStore.close(descriptors);
    }
  }

  private static byte[] bytes(MemorySegment segment, BufferRecord record) {
    return segment.asSlice(record.offset(), record.nbytes()).toArray(ValueLayout.JAVA_BYTE);
  }

  /// A slab or catalog segment.
  MemorySegment segment(long number) throws Refusal {
    Mapping mapped = segments.get(number);
    if (mapped != null) {
      return mapped.segment();
    }
    SegmentHandle handle = store.on(each -> each.map(TestStore.READER, number));
    return map(number, handle.segmentBytes(), handle.descriptors().getFirst());
  }

  private static Optional<Found> named(MemorySegment slab, long at, byte[] name) {
    try {
      return BufferRecord.isNamed(slab, at, name)
          ? Optional.of(new Found(BufferRecord.read(slab, at), slab))
          : Optional.empty();
    } catch (LayoutException e) {
      throw new AssertionError(e);
    }
  }

  private MemorySegment map(long number, long bytes, Fd fd) {
    try (fd) {
      if (Memfd.stat(fd).bytes() != bytes) {
        throw new AssertionError("segment of another size: " + Memfd.stat(fd));
      }
      Mapping mapping = Mapping.readOnly(fd, bytes);
      segments.put(number, mapping);
      return mapping.segment();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    new ArrayList<>(segments.values()).forEach(Mapping::close);
  }
}
