package dev.sealbuf.server.store;

import dev.sealbuf.protocol.HeaderLayout;
import dev.sealbuf.protocol.NameHash;

/// The tables that the directory leads to, and when each is to be built anew.
final class Tables {
  /// A table is crowded when 7 of 16 slots are used: what comes until it is built anew leaves it
  /// below half, where a search takes 1.5 loads.
  private static final int CROWDED_SIXTEENTHS = 7;

  /// A table shrinks when less than this part of it is live: a new one has twice that at least.
  private static final int SPARSE = 16;

  private final CatalogHeader header;
  private final Table[] tables = new Table[HeaderLayout.TABLES];

  /// With fewer live names than this a table shrinks.
  private final int[] shrinkBelow = new int[HeaderLayout.TABLES];

  /// Makes the first ones and lets readers in.
  Tables(CatalogHeader header, TableSpace space) {
    this.header = header;
    for (int index = 0; index < HeaderLayout.TABLES; index++) {
      place(index, space.allocate(TableSpace.LOG2_SLOTS_MIN));
    }
    header.publish();
  }

  Table get(int index) {
    return tables[index];
  }

  /// That of a name.
  Table of(int hash) {
    return tables[NameHash.table(hash)];
  }

  /// From now on the directory leads to this table.
  void place(int index, Table table) {
    tables[index] = table;
    boolean smallest = table.log2Slots() == TableSpace.LOG2_SLOTS_MIN;
    shrinkBelow[index] = smallest ? 0 : table.slots() / SPARSE;
    header.place(index, table.place());
  }

  /// A smaller table did not hold its names: it is not tried again with this many or more.
  void keepSize(int index, int names) {
    shrinkBelow[index] = names;
  }

  /// Whether a table has too many names, or too few.
  boolean isDue(int index) {
    Table table = tables[index];
    boolean crowded = table.used() > table.slots() / 16 * CROWDED_SIXTEENTHS;
    return crowded || table.live() < shrinkBelow[index];
  }
}
