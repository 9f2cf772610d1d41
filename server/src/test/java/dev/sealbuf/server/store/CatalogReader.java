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
final class CatalogReader implements AutoCloseable {
  /// A record, and the slab it was read from.
  record Found(BufferRecord record, MemorySegment slab) {
    /// A payload in the slab.
    byte[] payload() {
      return bytes(slab, record);
    }
  }

  private final TestStore store;
  private final Map<Long, Mapping> segments = new HashMap<>();
  private final MemorySegment catalog;

  CatalogReader(TestStore store) throws Refusal {
    this.store = store;
    CatalogHandle handle = store.on(Store::catalog);
    this.catalog = map(handle.segment(), handle.bytes(), handle.descriptors().getFirst());
    try {
      HeaderLayout.check(catalog);
    } catch (LayoutException e) {
      throw new AssertionError(e);
    }
  }

  MemorySegment header() {
    return catalog;
  }

  /// Step 4: the record that the catalog alone leads to.
  Optional<Found> find(String name) throws Refusal {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    int hash = NameHash.of(utf8);
    long place = HeaderLayout.directoryWord(catalog, NameHash.table(hash));
    long slots = 1L << DirectoryWord.log2Slots(place);
    long home = NameHash.home(hash, DirectoryWord.log2Slots(place));
    for (int step = 0; step < TableWord.WINDOW; step++) {
      long word = TableWord.load(catalog, DirectoryWord.offset(place), (home + step) % slots);
      if (word == TableWord.EMPTY) {
        return Optional.empty();
      }
      if (TableWord.isLive(word) && TableWord.tag(word) == NameHash.tag(hash)) {
        MemorySegment slab = slab(TableWord.slab(word));
        Optional<Found> found = named(slab, TableWord.offset(word), utf8);
        if (found.isPresent()) {
          return found;
        }
      }
    }
    return Optional.empty();
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

  /// The bytes of a small buffer that the daemon finds.
  Optional<byte[]> ask(String name) throws Refusal {
    try {
      Location location = store.openBuffer(TestStore.READER, name, OptionalLong.empty());
      TestStore.close(location.descriptors());
      byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
      return named(slab(location.slab()), location.record(), utf8).map(Found::payload);
    } catch (Refusal e) {
      if (e.code() == ErrorCode.NOT_FOUND) {
        return Optional.empty();
      }
      throw e;
    }
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

  MemorySegment slab(long number) throws Refusal {
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
