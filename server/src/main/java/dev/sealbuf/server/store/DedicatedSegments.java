package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.server.segment.DedicatedSegment;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/// Published dedicated segments. Unlike a small buffer each has an entry here, because the daemon
/// holds its description. It goes with the last name that leads to it: there are several when a
/// batch was published in it.
final class DedicatedSegments implements PlaceListener, AutoCloseable {
  /// A segment, what it is charged, how many names lead to it, and where the record of one of them
  /// lies.
  private static final class Entry {
    final DedicatedSegment segment;
    final Account.Charge charge;
    int names;
    Place record = Place.START;

    Entry(DedicatedSegment segment, Account.Charge charge, int names) {
      this.segment = segment;
      this.charge = charge;
      this.names = names;
    }
  }

  private final HeldSegments held;
  private final NavigableMap<Long, Entry> segments = new TreeMap<>();

  DedicatedSegments(HeldSegments held) {
    this.held = held;
  }

  void add(DedicatedSegment segment, Account.Charge charge, int names) {
    charge.becomes(Account.Kind.DEDICATED);
    segments.put(segment.number(), new Entry(segment, charge, names));
  }

  Optional<DedicatedSegment> find(long number) {
    return Optional.ofNullable(segments.get(number)).map(entry -> entry.segment);
  }

  @Override
  public void placed(BufferRecord record, Place place) {
    Entry entry = segments.get(record.segment());
    if (entry != null) {
      entry.record = place;
    }
  }

  /// The first segment of this number or a greater one.
  Optional<DedicatedSegment> from(long number) {
    return Optional.ofNullable(segments.ceilingEntry(number))
        .map(entry -> entry.getValue().segment);
  }

  /// Where the record of the only buffer in a segment lies; empty when there are several.
  Optional<Place> record(long number) {
    return Optional.ofNullable(segments.get(number))
        .filter(entry -> entry.names == 1)
        .map(entry -> entry.record);
  }

  /// Nothing leads to a record any more. Does nothing when its payload lies in a slab.
  void forget(BufferRecord record) {
    Entry entry = segments.get(record.segment());
    if (entry != null && --entry.names == 0) {
      segments.remove(record.segment());
      held.letGo(entry.segment, entry.charge, record.name());
    }
  }

  @Override
  public void close() {
    segments.values().forEach(entry -> entry.segment.close());
  }
}
