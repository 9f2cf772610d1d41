package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.ListingPayload;
import dev.sealbuf.protocol.NameException;
import dev.sealbuf.protocol.Names;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.server.segment.Slab;
import java.util.Optional;
import java.util.OptionalLong;

/// Lists names page by page, in the order of places ([SlabWalk]).
///
/// A cursor is the place where the next page begins; the daemon keeps nothing between two pages. It
/// comes back from a client that may have made it up. Then what is read there is no record: nothing
/// leads to it, so it is not shown, and only this client's own listing is wrong.
///
/// A page holds up the loop, so the work it may cost is bounded, some 0.5 ms; it may be empty and
/// yet not the last.
final class Listing {
  /// What a page may cost.
  private static final long WORK_PER_PAGE = 16_384;

  /// What it costs to write an entry.
  private static final long ENTRY_WORK = 48;

  private final SlabWalk walk;
  private final Publisher publisher;

  Listing(SlabWalk walk, Publisher publisher) {
    this.walk = walk;
    this.publisher = publisher;
  }

  Page page(String prefix, int limit, long cursor, OptionalLong until) throws Refusal {
    check(prefix, limit);
    long bound = until.orElse(publisher.version());
    ListingPayload payload = new ListingPayload();
    SlabWalk.Budget budget = new SlabWalk.Budget(WORK_PER_PAGE);
    Optional<Place> next =
        walk.walk(
            place(cursor),
            bound,
            budget,
            (record, _) -> {
              if (!record.name().startsWith(prefix)) {
                return true;
              }
              budget.spend(ENTRY_WORK);
              return payload.count() < limit && payload.add(entry(record));
            });
    return new Page(payload.count(), next.map(Place::packed).orElse(0L), bound, payload.bytes());
  }

  private static ListingPayload.Entry entry(BufferRecord record) {
    return new ListingPayload.Entry(
        record.name(),
        record.buffer(),
        record.version(),
        record.nbytes(),
        record.description().format(),
        record.description().shape(),
        record.owner(),
        record.created());
  }

  private static void check(String prefix, int limit) throws Refusal {
    if (limit < 1 || limit > Limits.LIST_MAX) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "limit out of bounds: limit=%d min=1 max=%d".formatted(limit, Limits.LIST_MAX));
    }
    try {
      Names.prefix(prefix);
    } catch (NameException e) {
      throw new Refusal(ErrorCode.INVALID_NAME, e.getMessage());
    }
  }

  private static Place place(long cursor) throws Refusal {
    Place place = Place.unpack(cursor);
    boolean possible =
        cursor >= 0
            && place.slab() <= DirectoryWord.SEGMENT_MAX
            && place.offset() <= Slab.BYTES - RecordLayout.ALIGNMENT;
    if (!possible) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST, "no page ended with this cursor: cursor=" + cursor);
    }
    return place;
  }
}
