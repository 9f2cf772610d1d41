package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.TableWord;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.Slab;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// The buffers that everybody can see: names appear, lead elsewhere and go here, and only here.
///
/// Small buffers exist in the catalog and the slabs only.
final class PublishedBuffers {
  /// A live name: its word and what the record says.
  private record Entry(long word, BufferRecord record) {}

  private final Catalog catalog;
  private final Slabs slabs;
  private final DedicatedSegments dedicated;
  private final Quota quota;
  private final List<PublicationListener> listeners = new ArrayList<>();
  private final List<PlaceListener> placeListeners = new ArrayList<>();
  private long count;
  private long bytes;

  PublishedBuffers(Catalog catalog, Slabs slabs, DedicatedSegments dedicated, Quota quota) {
    this.catalog = catalog;
    this.slabs = slabs;
    this.dedicated = dedicated;
    this.quota = quota;
  }

  void addListener(PublicationListener listener) {
    listeners.add(listener);
  }

  void addPlaceListener(PlaceListener listener) {
    placeListeners.add(listener);
  }

  long count() {
    return count;
  }

  /// Sum of their lengths.
  long bytes() {
    return bytes;
  }

  boolean contains(Name name) {
    return catalog.find(name) != TableWord.EMPTY;
  }

  /// The record of a live name.
  Optional<BufferRecord> find(Name name) {
    return entry(name).map(Entry::record);
  }

  /// How many buffers more a uid has once its next one has this name: none where one of its own
  /// goes.
  long added(Name name, int uid) {
    return find(name).filter(record -> (int) record.owner() == uid).isPresent() ? 0 : 1;
  }

  /// Refuses a name for which there is no slot now.
  void requireSlot(Name name, Peer peer) throws Refusal {
    if (!contains(name)) {
      catalog.requireRoom(name, peer.uid());
    }
  }

  /// The moment of publication: one word. The record lies at its place; whatever the name led to
  /// before is let go.
  void show(Name name, BufferRecord record, Place place) {
    long old = catalog.find(name);
    if (old == TableWord.EMPTY) {
      catalog.insert(name, (int) record.owner(), place);
    } else {
      BufferRecord replaced = slabs.record(old);
      catalog.replace(name, old, place);
      drop(old, replaced);
      listeners.forEach(listener -> listener.replaced(replaced));
    }
    count++;
    bytes += record.nbytes();
    quota.add((int) record.owner(), slabs.span(place), 1);
    listeners.forEach(listener -> listener.published(record));
    placeListeners.forEach(listener -> listener.placed(record, place));
  }

  /// A live record was copied: its name leads to the copy from now on.
  void move(BufferRecord record, Place from, Place to) {
    catalog.move(from, to);
    slabs.forget(from);
    placeListeners.forEach(listener -> listener.placed(record, to));
  }

  /// Where a buffer lies, with descriptors of what the peer has not mapped.
  Location open(Name name, OptionalLong mappedSlab) throws Refusal {
    Entry entry = require(name);
    Slab slab = slabs.of(entry.word);
    List<FreshDescriptors.Opener> openers = new ArrayList<>();
    if (mappedSlab.isEmpty() || mappedSlab.getAsLong() != slab.number()) {
      openers.add(slab::freshReadOnly);
    }
    Optional<DedicatedSegment> segment = dedicated.find(entry.record.segment());
    segment.ifPresent(present -> openers.add(present::freshReadOnly));
    return new Location(
        slab.number(),
        Slab.BYTES,
        TableWord.offset(entry.word),
        entry.record.segment(),
        segment.map(DedicatedSegment::bytes).orElse(0L),
        FreshDescriptors.open(openers));
  }

  /// A buffer that has its name still, with the segments that it lies in.
  record Found(Place place, Slab slab, Optional<DedicatedSegment> dedicated) {}

  /// Whether a name is still this buffer's.
  boolean isOf(Name name, long buffer) {
    return find(name).filter(record -> record.buffer() == buffer).isPresent();
  }

  /// Finds a buffer by its name, which must still be its own.
  Found require(Name name, long buffer) throws Refusal {
    Entry entry = entry(name, buffer);
    return new Found(
        Place.of(entry.word), slabs.of(entry.word), dedicated.find(entry.record.segment()));
  }

  /// Takes a name out of the catalog on behalf of a peer. What others have mapped stays; the daemon
  /// lets go of it.
  ///
  /// @param buffer the only one that is to be deleted
  Deletion delete(Peer peer, Name name, OptionalLong buffer) throws Refusal {
    Entry entry = buffer.isPresent() ? entry(name, buffer.getAsLong()) : require(name);
    Rights.requireMayEnd(peer, entry.record);
    remove(name, entry);
    return new Deletion(name.text(), entry.record.buffer());
  }

  /// Takes a live name out of the catalog.
  void remove(Name name) {
    entry(name).ifPresent(entry -> remove(name, entry));
  }

  private void remove(Name name, Entry entry) {
    catalog.remove(name, entry.word);
    drop(entry.word, entry.record);
    listeners.forEach(listener -> listener.deleted(entry.record));
  }

  /// Nothing leads to a record any more.
  private void drop(long word, BufferRecord record) {
    count--;
    bytes -= record.nbytes();
    quota.add((int) record.owner(), -slabs.span(Place.of(word)), -1);
    slabs.forget(Place.of(word));
    dedicated.forget(record);
  }

  /// Where the record of a name lies.
  Place place(Name name) throws Refusal {
    return Place.of(require(name).word);
  }

  private Entry require(Name name) throws Refusal {
    return entry(name)
        .orElseThrow(
            () -> new Refusal(ErrorCode.NOT_FOUND, "no buffer has this name: name=" + name));
  }

  private Entry entry(Name name, long buffer) throws Refusal {
    return entry(name)
        .filter(entry -> entry.record.buffer() == buffer)
        .orElseThrow(() ->
            new Refusal(
                ErrorCode.NOT_FOUND,
                "this buffer does not have this name: buffer=%d name=%s".formatted(buffer, name)));
  }

  private Optional<Entry> entry(Name name) {
    long word = catalog.find(name);
    return word == TableWord.EMPTY
        ? Optional.empty()
        : Optional.of(new Entry(word, slabs.record(word)));
  }
}
