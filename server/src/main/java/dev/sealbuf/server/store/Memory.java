package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.segment.CatalogSegment;
import dev.sealbuf.server.segment.SharedSegment;
import dev.sealbuf.server.segment.Workers;
import java.io.IOException;
import java.util.List;

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
        TableSpace tables = new TableSpace(account, numbers, retirement, first, charge);
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

  /// What a session maps first.
  CatalogHandle openCatalog() throws Refusal {
    CatalogSegment first = tables.first();
    List<Fd> descriptors = FreshDescriptors.open(first::freshReadOnly);
    return new CatalogHandle(first.number(), first.bytes(), header.daemon(), descriptors);
  }

  /// A slab or a catalog segment.
  SegmentHandle open(long number) throws Refusal {
    SharedSegment segment =
        tables
            .find(number)
            .<SharedSegment>map(found -> found)
            .or(() -> slabs.find(number))
            .orElseThrow(() ->
                new Refusal(
                    ErrorCode.NOT_FOUND,
                    "no slab or catalog segment has this number: segment=" + number));
    List<Fd> descriptors = FreshDescriptors.open(segment::freshReadOnly);
    return new SegmentHandle(number, segment.bytes(), descriptors);
  }

  /// Whether the segment of a [SegmentKey] is in use.
  boolean contains(long key) {
    long number = SegmentKey.number(key);
    return SegmentKey.isDedicated(key)
        ? dedicated.find(number).isPresent()
        : slabs.find(number).isPresent() || tables.find(number).isPresent();
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
