package dev.sealbuf.server.segment;

import dev.sealbuf.memory.Fd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// A segment of the catalog: tables, and in the first one the header before them.
public final class CatalogSegment implements SharedSegment {
  private final long number;
  private final DaemonSegment segment;
  private final MemorySegment memory;

  private CatalogSegment(long number, DaemonSegment segment) {
    this.number = number;
    this.segment = segment;
    this.memory = segment.writable();
  }

  /// Makes zeroed memory, which is that of empty tables.
  ///
  /// @param bytes whole pages
  public static CatalogSegment create(long number, long bytes) throws IOException {
    return new CatalogSegment(number, DaemonSegment.create("sealbuf-catalog-" + number, bytes));
  }

  @Override
  public long number() {
    return number;
  }

  @Override
  public long bytes() {
    return segment.bytes();
  }

  @Override
  public SegmentKind kind() {
    return SegmentKind.CATALOG;
  }

  @Override
  public Fd description() {
    return segment.description();
  }

  public long hugePageBytes() {
    return segment.hugePageBytes();
  }

  /// The bytes to read and write.
  public MemorySegment memory() {
    return memory;
  }

  @Override
  public Fd freshReadOnly() throws IOException {
    return segment.freshReadOnly();
  }

  @Override
  public void unmap() {
    segment.unmap();
  }

  @Override
  public void close() {
    segment.close();
  }

  @Override
  public String toString() {
    return "CatalogSegment[" + number + " bytes=" + bytes() + "]";
  }
}
