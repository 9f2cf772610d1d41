package dev.sealbuf.server.session;

import dev.sealbuf.protocol.RecordPlaces;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.server.namespace.Membership;
import dev.sealbuf.server.store.BatchPublication;
import dev.sealbuf.server.store.CatalogHandle;
import dev.sealbuf.server.store.Holdings;
import dev.sealbuf.server.store.Loan;
import dev.sealbuf.server.store.Location;
import dev.sealbuf.server.store.Page;
import dev.sealbuf.server.store.Publication;
import dev.sealbuf.server.store.Reservation;
import dev.sealbuf.server.store.SegmentHandle;
import dev.sealbuf.server.store.Taking;

/// What the store says, as the protocol says it.
final class Answers {
  private Answers() {}

  static Reply welcome(long seq, String version, Membership membership, CatalogHandle catalog) {
    return new Reply.Welcome(
        seq,
        version,
        "%016x".formatted(catalog.daemon()),
        membership.peer().session(),
        Integer.toUnsignedLong(membership.peer().uid()),
        membership.namespace(),
        catalog.segment(),
        catalog.bytes());
  }

  static Reply publishedLent(long seq, Publication made, Loan spare) {
    return Reply.PublishedLent.of(
        published(seq, made), spare.buffer(), spare.segment(), spare.segmentBytes());
  }

  static Reply.Published published(long seq, Publication made) {
    return new Reply.Published(
        seq,
        made.name(),
        made.buffer(),
        made.version(),
        made.created(),
        made.slab(),
        made.slabBytes(),
        made.record());
  }

  static Reply publishedMany(long seq, BatchPublication made) {
    return new Reply.PublishedMany(
        seq,
        made.places().size(),
        made.buffer(),
        made.version(),
        made.created(),
        RecordPlaces.write(made.places()));
  }

  static Reply lent(long seq, Loan loan) {
    return new Reply.Lent(
        seq, loan.name(), loan.buffer(), loan.nbytes(), loan.segment(), loan.segmentBytes());
  }

  static Reply opened(long seq, Location place) {
    return new Reply.Opened(
        seq,
        place.slab(),
        place.slabBytes(),
        place.record(),
        place.segment(),
        place.segmentBytes());
  }

  static Reply taken(long seq, Taking taking) {
    Location place = taking.location();
    return new Reply.Taken(
        seq,
        taking.name(),
        taking.buffer(),
        place.slab(),
        place.slabBytes(),
        place.record(),
        place.segment(),
        place.segmentBytes());
  }

  static Reply reserved(long seq, Reservation reservation) {
    return new Reply.Reserved(seq, reservation.name(), reservation.buffer());
  }

  static Reply mapped(long seq, SegmentHandle handle) {
    return new Reply.Mapped(seq, handle.segment(), handle.segmentBytes());
  }

  static Reply holding(long seq, Holdings page) {
    return new Reply.Holding(seq, page.count(), page.cursor(), page.json());
  }

  static Reply listing(long seq, Page page) {
    return new Reply.Listing(seq, page.count(), page.cursor(), page.until(), page.json());
  }
}
