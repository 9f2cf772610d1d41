package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.ListingPayload;
import dev.sealbuf.protocol.NameException;
import dev.sealbuf.protocol.Names;
import dev.sealbuf.protocol.TableWord;
import java.util.List;

/// Lists names page by page, in the order of the catalog.
///
/// A cursor is the slot where the next page begins. A live name never moves, so it is on exactly
/// one side of any cursor: who lives from the first page to the last is listed once, whatever is
/// published and deleted meanwhile. The daemon keeps nothing between two pages.
///
/// A page holds up the loop, so the work it may cost is bounded, some 0.5 ms; it may be empty and
/// yet not the last.
final class Listing {
  /// What a page may cost, in slots that are only looked at.
  private static final int WORK_PER_PAGE = 16_384;

  /// What it costs to read a record and write its entry.
  private static final int RECORD_WORK = 64;

  private static final int SLOTS = Catalog.TABLES * Catalog.SLOTS;
  private static final int TABLE_SHIFT = 32;

  private final Catalog catalog;
  private final Slabs slabs;

  Listing(Catalog catalog, Slabs slabs) {
    this.catalog = catalog;
    this.slabs = slabs;
  }

  Page page(String prefix, int limit, long cursor) throws Refusal {
    check(prefix, limit);
    ListingPayload payload = new ListingPayload();
    int at = position(cursor);
    int work = 0;
    while (at < SLOTS && work < WORK_PER_PAGE && payload.count() < limit) {
      long word = catalog.word(slot(at));
      if (TableWord.isLive(word)) {
        if (!add(payload, slabs.record(word), prefix)) {
          break;
        }
        work += RECORD_WORK;
      }
      work++;
      at++;
    }
    return new Page(payload.count(), cursor(at), payload.bytes());
  }

  /// False when the page has no room for the record.
  private static boolean add(ListingPayload payload, BufferRecord record, String prefix) {
    return !record.name().startsWith(prefix) || payload.add(entry(record));
  }

  private static ListingPayload.Entry entry(BufferRecord record) {
    return new ListingPayload.Entry(
        record.name(),
        record.buffer(),
        record.version(),
        record.nbytes(),
        record.format(),
        List.of(record.nbytes()),
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

  /// Slots are counted through all tables here.
  private static int position(long cursor) throws Refusal {
    long table = cursor >>> TABLE_SHIFT;
    long index = cursor & (1L << TABLE_SHIFT) - 1;
    if (table >= Catalog.TABLES || index >= Catalog.SLOTS) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST, "no page ended with this cursor: cursor=" + cursor);
    }
    return (int) (table * Catalog.SLOTS + index);
  }

  private static Slot slot(int position) {
    return new Slot(position / Catalog.SLOTS, position % Catalog.SLOTS);
  }

  /// 0 behind the last slot.
  private static long cursor(int position) {
    Slot slot = slot(position);
    return slot.table() == Catalog.TABLES ? 0 : (long) slot.table() << TABLE_SHIFT | slot.index();
  }
}
