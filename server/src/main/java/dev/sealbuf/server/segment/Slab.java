package dev.sealbuf.server.segment;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.RecordLayout;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// A segment of 2 MiB, one huge page where the machine has them, packed with records and small
/// payloads.
///
/// ```
/// | record | pad | payload | pad | record | pad | record | pad | payload | ...
/// ^ 64           ^ 64            ^ 64           ^ 64           ^ position
/// ```
///
/// It is only appended to: what was written once is never written again, also after its buffer was
/// deleted, since nobody can know who still reads it. When it is full it loses its writable
/// mapping. It stays for as long as the store does, however few of its records are live.
public final class Slab implements SharedSegment {
  public static final long BYTES = RecordLayout.SLAB_BYTES;

  private final long number;
  private final DaemonSegment segment;
  private final MemorySegment memory;
  private @Nullable SlabWriter writer;
  private long position;
  private long live;

  private Slab(long number, DaemonSegment segment) {
    this.number = number;
    this.segment = segment;
    this.memory = segment.readable();
    this.writer = new SlabWriter(segment.writable());
  }

  public static Slab create(long number) throws IOException {
    return new Slab(number, DaemonSegment.create("sealbuf-slab-" + number, BYTES));
  }

  /// Bytes that a record takes with its padding: how far behind it a payload begins.
  public static long recordSpan(int nameBytes, int formatBytes) {
    return RecordLayout.align(SlabWriter.recordBytes(nameBytes, formatBytes));
  }

  @Override
  public long number() {
    return number;
  }

  @Override
  public long bytes() {
    return BYTES;
  }

  @Override
  public SegmentKind kind() {
    return SegmentKind.SLAB;
  }

  @Override
  public Fd description() {
    return segment.description();
  }

  /// The bytes to read.
  public MemorySegment memory() {
    return memory;
  }

  public long hugePageBytes() {
    return segment.hugePageBytes();
  }

  /// Where the next record begins.
  public long position() {
    return position;
  }

  public boolean hasRoom(long bytes) {
    return bytes <= BYTES - position;
  }

  /// Records that a word of the catalog leads to.
  public long live() {
    return live;
  }

  /// Appends a record whose payload lies elsewhere. Returns where it begins.
  public long append(BufferRecord record) {
    long at = position;
    position = RecordLayout.align(writer().write(at, record));
    live++;
    return at;
  }

  /// Appends a record and, where it says, its payload. Returns where the record begins.
  public long append(BufferRecord record, ByteBuffer payload) {
    SlabWriter both = writer();
    long end = both.write(record.offset(), payload);
    long at = append(record);
    position = RecordLayout.align(end);
    return at;
  }

  /// A record's word has gone from the catalog; its bytes stay.
  public void forget() {
    live--;
  }

  /// Nothing is appended any more. The caller unmaps what is returned: off the loop, since it was
  /// the only way there can ever be to write to the slab.
  public Mapping finish() {
    writer = null;
    return segment.writingMapping();
  }

  public Fd freshReadOnly() throws IOException {
    return segment.freshReadOnly();
  }

  private SlabWriter writer() {
    if (writer == null) {
      throw new IllegalStateException("a full slab is not written: slab=" + number);
    }
    return writer;
  }

  @Override
  public void unmap() {
    writer = null;
    segment.unmap();
  }

  @Override
  public void close() {
    writer = null;
    segment.close();
  }

  @Override
  public String toString() {
    return "Slab[" + number + " position=" + position + " live=" + live + "]";
  }
}
