package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.CatalogSegment;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;

/// The memory of a store: what its catalog, slabs and dedicated segments lie in.
record Memory(CatalogHeader header, TableSpace tables, Slabs slabs, DedicatedSegments dedicated)
    implements AutoCloseable {

  /// Takes what a store cannot do without: the first catalog segment and the first slab.
  ///
  /// @param daemon random, new at each start
  static Memory begin(Account account, Workers workers, HeldSegments held, long daemon)
      throws Refusal, IOException {
    SegmentNumbers numbers = new SegmentNumbers();
    Account.Charge charge = account.charge(Account.Kind.CATALOG, TableSpace.FIRST_BYTES);
    CatalogSegment first =
        numbers.next(number -> CatalogSegment.create(number, TableSpace.FIRST_BYTES));
    charge.inHugePages(first.hugePageBytes());
    try {
      CatalogHeader header = CatalogHeader.begin(first.memory(), daemon);
      try {
        Retirement retirement = new Retirement(header, held);
        Slabs slabs = new Slabs(new SlabSupply(account, workers, numbers), workers, retirement);
        TableSpace tables = new TableSpace(account, numbers, workers, retirement, first, charge);
        return new Memory(header, tables, slabs, new DedicatedSegments(held));
      } catch (Refusal e) {
        header.close();
        throw e;
      }
    } catch (IOException | Refusal e) {
      first.close();
      throw e;
    }
  }

  /// Says goodbye in the header first.
  @Override
  public void close() {
    header.close();
    tables.close();
    dedicated.close();
    slabs.close();
  }
}
