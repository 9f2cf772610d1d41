package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.RecordParts;
import dev.sealbuf.protocol.RecordPlaces;
import dev.sealbuf.server.segment.Slab;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Writes what is published.
///
/// The same for small and large buffers, one or many: find out that there is a slot and room for
/// each record, then write the records (and small payloads behind them), then store the words.
/// Whatever can be refused is refused before the first of these writes.
final class Publisher {
  /// A record that is written and that nobody can see yet.
  private record Written(Name name, BufferRecord record, Place place) {}

  private final PublishedBuffers published;
  private final Slabs slabs;
  private final DedicatedSegments dedicated;
  private final UnnamedBuffers unnamed;
  private final SessionBuffers ofSessions;
  private final Quota quota;
  private final Clock clock;
  private final long started;
  private long versions;

  /// @param started when the store began, by the clock's nanoseconds
  Publisher(
      PublishedBuffers published,
      Slabs slabs,
      DedicatedSegments dedicated,
      UnnamedBuffers unnamed,
      SessionBuffers ofSessions,
      Quota quota,
      Clock clock,
      long started) {
    this.published = published;
    this.slabs = slabs;
    this.dedicated = dedicated;
    this.unnamed = unnamed;
    this.ofSessions = ofSessions;
    this.quota = quota;
    this.clock = clock;
    this.started = started;
  }

  /// Of the last publication.
  long version() {
    return versions;
  }

  /// Refuses a put beyond its uid's quota, before anything is evicted for it.
  void requireQuota(Claim claim, Peer peer, long nbytes, Terms terms) throws Refusal {
    requireQuota(List.of(claim), List.of(all(claim, nbytes, terms.form())), peer, terms);
  }

  /// The same for several.
  void requireQuota(List<Claim> claims, List<BatchIndex.Entry> index, Peer peer, Terms terms)
      throws Refusal {
    requireQuota(peer, claims, new Common(peer, terms, 0).spans(claims, index));
  }

  /// Publishes a payload in a slab.
  Publication put(Claim claim, Peer peer, ByteBuffer payload, Terms terms) throws Refusal {
    requirePlace(claim, peer, terms);
    Common common = new Common(peer, terms, clock.epochMicros());
    BatchIndex.Entry all = all(claim, payload.remaining(), terms.form());
    List<Long> spans = common.spans(List.of(claim), List.of(all));
    requireQuota(peer, List.of(claim), spans);
    return show(
        claim, common, write(slabs.withRoom(spans.getFirst()), claim, common, all, payload));
  }

  /// Publishes several payloads in slabs, all of them or none.
  ///
  /// @param index where the bytes of each lie in the payload
  BatchPublication putMany(
      List<Claim> claims, List<BatchIndex.Entry> index, Peer peer, ByteBuffer payload, Terms terms)
      throws Refusal {
    Common common = new Common(peer, terms, clock.epochMicros());
    requireSlots(claims, common);
    List<Long> spans = common.spans(claims, index);
    requireQuota(peer, claims, spans);
    slabs.requireRoom(spans);
    List<Written> written = new ArrayList<>(claims.size());
    for (int i = 0; i < claims.size(); i++) {
      BatchIndex.Entry entry = index.get(i);
      ByteBuffer bytes = payload.slice((int) entry.offset(), (int) entry.nbytes());
      written.add(write(slabs.withRoom(spans.get(i)), claims.get(i), common, entry, bytes));
    }
    return show(common, written);
  }

  /// Publishes a dedicated segment that is sealed, under the name that was reserved for it.
  ///
  /// @param form of its first `nbytes`
  Publication publish(UnfinishedBuffer buffer, long nbytes, Form form) throws Refusal {
    Claim claim = buffer.claim();
    requirePlace(claim, buffer.producer(), buffer.terms());
    Common common = common(buffer);
    BatchIndex.Entry all = all(claim, nbytes, form);
    long span = common.span(claim, all);
    requireQuota(buffer.producer(), List.of(claim), List.of(span));
    Slab slab = slabs.withRoom(span);
    dedicated.add(buffer.segment(), buffer.charge(), 1);
    Written written = write(slab, claim, common, buffer.segment().number(), all);
    return show(claim, common, written);
  }

  /// A buffer alone, as if it were a batch of one.
  private static BatchIndex.Entry all(Claim claim, long nbytes, Form form) {
    return new BatchIndex.Entry(claim.name().text(), 0, nbytes, form.description());
  }

  /// Publishes the buffers in a dedicated segment that is sealed, all of them or none.
  BatchPublication publishMany(
      UnfinishedBuffer batch, List<Claim> claims, List<BatchIndex.Entry> index) throws Refusal {
    Common common = common(batch);
    List<Long> spans = new ArrayList<>(claims.size());
    requireSlots(claims, common);
    for (int i = 0; i < claims.size(); i++) {
      spans.add(common.span(claims.get(i), index.get(i)));
    }
    requireQuota(batch.producer(), claims, spans);
    slabs.requireRoom(spans);
    dedicated.add(batch.segment(), batch.charge(), claims.size());
    List<Written> written = new ArrayList<>(claims.size());
    for (int i = 0; i < claims.size(); i++) {
      Slab slab = slabs.withRoom(spans.get(i));
      written.add(write(slab, claims.get(i), common, batch.segment().number(), index.get(i)));
    }
    return show(common, written);
  }

  /// What all buffers of one publication share.
  private record Common(Peer peer, Terms terms, long created) {
    ByteBuffer metadata() {
      return terms.form().metadata();
    }

    /// Bytes of records with their padding and the payloads behind them.
    List<Long> spans(List<Claim> claims, List<BatchIndex.Entry> parts) {
      List<Long> spans = new ArrayList<>(claims.size());
      for (int i = 0; i < claims.size(); i++) {
        BatchIndex.Entry part = parts.get(i);
        spans.add(span(claims.get(i), part) + RecordLayout.align(part.nbytes()));
      }
      return spans;
    }

    /// Bytes of a record with its padding.
    long span(Claim claim, BatchIndex.Entry part) {
      return Slab.recordSpan(
          RecordParts.of(claim.name().utf8().length, description(part), metadata().remaining()));
    }
  }

  private static Description description(BatchIndex.Entry part) {
    return part.description().orElseGet(() -> Description.bytes(part.nbytes()));
  }

  private Common common(UnfinishedBuffer buffer) {
    return new Common(buffer.producer(), buffer.terms(), clock.epochMicros());
  }

  /// Refuses a payload that does not belong in a slab.
  static void requireSmall(long nbytes) throws Refusal {
    if (nbytes > Limits.PUT_MAX) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "a put carries a small buffer: nbytes=%d max=%d".formatted(nbytes, Limits.PUT_MAX));
    }
  }

  private Written write(
      Slab slab, Claim claim, Common common, BatchIndex.Entry part, ByteBuffer payload) {
    long offset = slab.position() + common.span(claim, part);
    BufferRecord record = record(claim, common, 0, offset, part);
    long at = slab.append(record, common.metadata(), payload);
    return new Written(claim.name(), record, new Place(slab.number(), at));
  }

  private Written write(
      Slab slab, Claim claim, Common common, long segment, BatchIndex.Entry part) {
    BufferRecord record = record(claim, common, segment, part.offset(), part);
    long at = slab.append(record, common.metadata());
    return new Written(claim.name(), record, new Place(slab.number(), at));
  }

  private BufferRecord record(
      Claim claim, Common common, long segment, long offset, BatchIndex.Entry part) {
    return new BufferRecord(
        claim.name().text(),
        claim.buffer(),
        ++versions,
        segment,
        offset,
        part.nbytes(),
        common.created,
        Integer.toUnsignedLong(common.peer.uid()),
        description(part),
        expires(common.terms));
  }

  /// The second, counted from the start of the store, in which the time to live has passed.
  private long expires(Terms terms) {
    if (terms.ttlMillis().isEmpty()) {
      return 0;
    }
    long now = TimeUnit.NANOSECONDS.toMillis(clock.nanos() - started);
    return TimeUnit.MILLISECONDS.toSeconds(now + terms.ttlMillis().getAsLong()) + 1;
  }

  private void requireQuota(Peer peer, List<Claim> claims, List<Long> spans) throws Refusal {
    long bytes = spans.stream().mapToLong(Long::longValue).sum();
    long buffers =
        claims.stream().mapToLong(claim -> published.added(claim.name(), peer.uid())).sum();
    quota.require(peer.uid(), bytes, buffers);
  }

  private void requirePlace(Claim claim, Peer peer, Terms terms) throws Refusal {
    published.requireSlot(claim.name(), peer);
    if (claim.madeUp()) {
      unnamed.requireRoom(peer);
    } else if (terms.session()) {
      ofSessions.requireRoom(peer, List.of(claim));
    }
  }

  private void requireSlots(List<Claim> claims, Common common) throws Refusal {
    for (Claim claim : claims) {
      published.requireSlot(claim.name(), common.peer);
    }
    if (common.terms.session()) {
      ofSessions.requireRoom(common.peer, claims);
    }
  }

  private Publication show(Claim claim, Common common, Written written) {
    BufferRecord record = written.record;
    published.show(written.name, record, written.place);
    if (claim.madeUp()) {
      unnamed.add(common.peer, claim.name());
    } else if (common.terms.session()) {
      ofSessions.add(common.peer, claim.name());
    }
    return new Publication(
        record.name(),
        record.buffer(),
        record.version(),
        record.created(),
        written.place.slab(),
        Slab.BYTES,
        written.place.offset());
  }

  private BatchPublication show(Common common, List<Written> written) {
    List<RecordPlaces.Place> places = new ArrayList<>(written.size());
    for (Written each : written) {
      published.show(each.name, each.record, each.place);
      if (common.terms.session()) {
        ofSessions.add(common.peer, each.name);
      }
      places.add(new RecordPlaces.Place(each.place.slab(), each.place.offset()));
    }
    BufferRecord first = written.getFirst().record;
    return new BatchPublication(first.buffer(), first.version(), first.created(), places);
  }
}
