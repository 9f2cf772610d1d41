package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.TableWord;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.segment.Slab;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// The buffers that everybody can see.
///
/// Publishing is the same for small and large ones: find a slot, find room for the record, then
/// write the record (and a small payload behind it), then store the word. Whatever can be refused
/// is refused before the first of these writes.
///
/// Small buffers exist in the catalog and the slabs only; a dedicated segment has an entry here,
/// because the daemon holds its description.
final class PublishedBuffers implements AutoCloseable {
  /// The format of every buffer in this version: bytes.
  private static final String FORMAT = "B";

  /// A published dedicated segment and what it is charged.
  private record Dedicated(DedicatedSegment segment, Account.Charge charge) {}

  /// A live name: its slot, its word and what the record says.
  private record Entry(Slot slot, long word, BufferRecord record) {}

  private final Catalog catalog;
  private final Slabs slabs;
  private final HeldSegments held;
  private final Clock clock;
  private final Rights rights;
  private final Map<Long, Dedicated> dedicated = new HashMap<>();
  private final List<PublicationListener> listeners = new ArrayList<>();
  private long versions;
  private long count;
  private long bytes;

  PublishedBuffers(Catalog catalog, Slabs slabs, HeldSegments held, Clock clock, Rights rights) {
    this.catalog = catalog;
    this.slabs = slabs;
    this.held = held;
    this.clock = clock;
    this.rights = rights;
  }

  void addListener(PublicationListener listener) {
    listeners.add(listener);
  }

  /// Of the last publication.
  long version() {
    return versions;
  }

  long count() {
    return count;
  }

  /// Sum of their lengths.
  long bytes() {
    return bytes;
  }

  /// The record of a live name.
  Optional<BufferRecord> find(Name name) {
    return catalog.find(name).map(slot -> slabs.record(catalog.word(slot)));
  }

  boolean contains(Name name) {
    return catalog.find(name).isPresent();
  }

  /// Refuses a name for which there is no slot now.
  void requireSlot(Name name) throws Refusal {
    catalog.freeSlot(name);
  }

  /// Publishes a payload in a slab, under a name that is free.
  Publication put(Claim claim, Peer peer, ByteBuffer payload, Terms terms) throws Refusal {
    requireSmall(payload);
    Slot slot = catalog.freeSlot(claim.name());
    long recordSpan = recordSpan(claim.name());
    Slab slab = slabs.withRoom(recordSpan + payload.remaining());
    long offset = slab.position() + recordSpan;
    BufferRecord record = record(claim, peer, 0, offset, payload.remaining());
    return show(slot, claim.name(), slab, slab.append(record, payload), record);
  }

  private static void requireSmall(ByteBuffer payload) throws Refusal {
    if (payload.remaining() > Limits.PUT_MAX) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "a put carries a small buffer: nbytes=%d max=%d"
              .formatted(payload.remaining(), Limits.PUT_MAX));
    }
  }

  /// Publishes a dedicated segment that is sealed, under the name that was reserved for it.
  Publication publish(UnfinishedBuffer buffer, long nbytes) throws Refusal {
    Name name = buffer.claim().name();
    Slot slot = catalog.freeSlot(name);
    Slab slab = slabs.withRoom(recordSpan(name));
    DedicatedSegment segment = buffer.segment();
    buffer.charge().becomes(Account.Kind.DEDICATED);
    dedicated.put(segment.number(), new Dedicated(segment, buffer.charge()));
    BufferRecord record = record(buffer.claim(), buffer.producer(), segment.number(), 0, nbytes);
    return show(slot, name, slab, slab.append(record), record);
  }

  /// Where a buffer lies, with descriptors of what the peer has not mapped.
  Location open(Name name, OptionalLong mappedSlab) throws Refusal {
    Entry entry = require(name);
    Slab slab = slabs.of(entry.word);
    List<FreshDescriptors.Opener> openers = new ArrayList<>();
    if (mappedSlab.isEmpty() || mappedSlab.getAsLong() != slab.number()) {
      openers.add(slab::freshReadOnly);
    }
    Optional<DedicatedSegment> segment =
        Optional.ofNullable(dedicated.get(entry.record.segment())).map(Dedicated::segment);
    segment.ifPresent(present -> openers.add(present::freshReadOnly));
    return new Location(
        slab.number(),
        Slab.BYTES,
        TableWord.offset(entry.word),
        entry.record.segment(),
        segment.map(DedicatedSegment::bytes).orElse(0L),
        FreshDescriptors.open(openers));
  }

  /// Takes a name out of the catalog. What others have mapped stays; the daemon lets go of it.
  Deletion delete(Peer peer, Name name) throws Refusal {
    Entry entry = require(name);
    BufferRecord record = entry.record;
    rights.requireMayEnd(peer, record);
    catalog.remove(entry.slot);
    slabs.of(entry.word).forget();
    count--;
    bytes -= record.nbytes();
    Optional.ofNullable(dedicated.remove(record.segment()))
        .ifPresent(gone -> held.letGo(gone.segment, gone.charge, record.name()));
    listeners.forEach(listener -> listener.deleted(record));
    return new Deletion(name.text(), record.buffer());
  }

  private Entry require(Name name) throws Refusal {
    Slot slot =
        catalog
            .find(name)
            .orElseThrow(
                () -> new Refusal(ErrorCode.NOT_FOUND, "no buffer has this name: name=" + name));
    long word = catalog.word(slot);
    return new Entry(slot, word, slabs.record(word));
  }

  private BufferRecord record(Claim claim, Peer peer, long segment, long offset, long nbytes) {
    return new BufferRecord(
        claim.name().text(),
        claim.buffer(),
        ++versions,
        segment,
        offset,
        nbytes,
        clock.epochMicros(),
        Integer.toUnsignedLong(peer.uid()),
        FORMAT,
        0);
  }

  /// The moment of publication: one word.
  private Publication show(Slot slot, Name name, Slab slab, long at, BufferRecord record) {
    catalog.insert(slot, name, slab.number(), at);
    count++;
    bytes += record.nbytes();
    listeners.forEach(listener -> listener.published(record));
    return new Publication(
        name.text(),
        record.buffer(),
        record.version(),
        record.created(),
        slab.number(),
        Slab.BYTES,
        at);
  }

  private static long recordSpan(Name name) {
    return Slab.recordSpan(name.utf8().length, FORMAT.length());
  }

  @Override
  public void close() {
    dedicated.values().forEach(each -> each.segment.close());
  }
}
