package dev.sealbuf.server.store;

import dev.sealbuf.memory.PageSizes;
import dev.sealbuf.protocol.DirectoryWord;
import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.server.segment.CatalogSegment;
import dev.sealbuf.server.segment.Workers;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/// Where tables lie: catalog segments, the last one open, as slabs are for records.
///
/// The first one begins with the header and holds the first tables; it stays. The others are packed
/// with the tables that were built later. The memory of a table that is not current any more is not
/// used again, since readers may still be in it; a segment without current tables is retired.
final class TableSpace implements AutoCloseable {
  /// Of the first segment.
  static final long FIRST = 1;

  /// Of a new table, and the least there is.
  static final int LOG2_SLOTS_MIN = 11;

  /// Header page and the first tables.
  static final long FIRST_BYTES =
      PageSizes.roundUp(
          HeaderLayout.PAGE_BYTES + HeaderLayout.TABLES * Table.bytes(LOG2_SLOTS_MIN));

  /// A huge page; a table that is larger has a segment of its own.
  private static final long SEGMENT_BYTES = 2 << 20;

  /// A full segment is sparse when its current tables take less than a quarter of it.
  private static final int SPARSE = 4;

  /// A segment and how much of it is in use.
  private static final class Room {
    final CatalogSegment segment;
    final Account.Charge charge;
    long position;
    long current;

    Room(CatalogSegment segment, Account.Charge charge) {
      this.segment = segment;
      this.charge = charge;
    }

    boolean hasRoom(long bytes) {
      return bytes <= segment.bytes() - position;
    }

    Table take(int log2Slots) {
      if (!hasRoom(Table.bytes(log2Slots))) {
        throw new IllegalStateException(
            "a table lies where there is room: log2_slots=" + log2Slots);
      }
      long page = position / HeaderLayout.PAGE_BYTES;
      position += Table.bytes(log2Slots);
      current += Table.bytes(log2Slots);
      long place = DirectoryWord.pack(log2Slots, page, segment.number());
      return new Table(segment.memory(), place);
    }
  }

  private final Account account;
  private final SegmentNumbers numbers;
  private final Workers workers;
  private final Retirement retirement;
  private final NavigableMap<Long, Room> rooms = new TreeMap<>();
  private Room open;

  /// Makes the rest of the first segment room for tables.
  TableSpace(
      Account account,
      SegmentNumbers numbers,
      Workers workers,
      Retirement retirement,
      CatalogSegment first,
      Account.Charge charge) {
    this.account = account;
    this.numbers = numbers;
    this.workers = workers;
    this.retirement = retirement;
    open = new Room(first, charge);
    open.position = HeaderLayout.PAGE_BYTES;
    rooms.put(first.number(), open);
  }

  CatalogSegment first() {
    return room(FIRST).segment;
  }

  Optional<CatalogSegment> find(long number) {
    return Optional.ofNullable(rooms.get(number)).map(room -> room.segment);
  }

  /// The first segment of this number or a greater one.
  Optional<CatalogSegment> from(long number) {
    return Optional.ofNullable(rooms.ceilingEntry(number)).map(entry -> entry.getValue().segment);
  }

  /// Whether a table of so many slots can be had without new memory.
  boolean hasRoom(int log2Slots) {
    return open.hasRoom(Table.bytes(log2Slots));
  }

  /// What [#prepare] asks the account for.
  static long segmentBytes(int log2Slots) {
    return Math.max(Table.bytes(log2Slots), SEGMENT_BYTES);
  }

  /// Has a worker make room for a table of so many slots: some milliseconds in a virtual machine
  /// whose host takes free pages back.
  ///
  /// @param then runs on the loop when that is done or has failed: [#hasRoom] says which
  void prepare(int log2Slots, Runnable then) {
    long bytes = segmentBytes(log2Slots);
    try {
      numbers.requireOne();
      Account.Charge charge = account.charge(Account.Kind.CATALOG, bytes);
      long number = numbers.next();
      workers.call(
          () -> CatalogSegment.create(number, bytes),
          segment -> {
            open(segment, charge);
            then.run();
          },
          _ -> {
            charge.close();
            then.run();
          });
    } catch (Refusal _) {
      then.run();
    }
  }

  /// An empty table of so many slots, for which there is room.
  Table allocate(int log2Slots) {
    return open.take(log2Slots);
  }

  private void open(CatalogSegment segment, Account.Charge charge) {
    charge.inHugePages(segment.hugePageBytes());
    Room full = open;
    open = new Room(segment, charge);
    rooms.put(segment.number(), open);
    retireIfUnused(full);
  }

  /// The directory leads to this table no more.
  void release(Table table) {
    Room room = room(table.segment());
    room.current -= Table.bytes(table.log2Slots());
    retireIfUnused(room);
  }

  private void retireIfUnused(Room room) {
    if (room.current == 0 && mayGo(room)) {
      rooms.remove(room.segment.number());
      retirement.retire(room.segment, room.charge);
    }
  }

  /// Whether a segment is kept for a few tables. Names of one hash, churned, could else pin as many
  /// segments as there are tables.
  boolean isSparse(long segment) {
    Room room = rooms.get(segment);
    return room != null && mayGo(room) && room.current < room.segment.bytes() / SPARSE;
  }

  private boolean mayGo(Room room) {
    return room != open && room.segment.number() != FIRST;
  }

  private Room room(long number) {
    Room room = rooms.get(number);
    if (room == null) {
      throw new IllegalStateException("no such catalog segment: segment=" + number);
    }
    return room;
  }

  @Override
  public void close() {
    rooms.values().forEach(room -> room.segment.close());
  }
}
