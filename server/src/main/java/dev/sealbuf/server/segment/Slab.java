package dev.sealbuf.server.segment;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.LittleEndian;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.RecordParts;
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
/// mapping; when none of its records is live it goes, as a whole.
///
/// Each record says where it ends, so all of them can be walked from the start ([#end]). The slab
/// counts how many are live and how many bytes those take; which ones, only the catalog knows.
public final class Slab implements SharedSegment {
  public static final long BYTES = RecordLayout.SLAB_BYTES;

  private final long number;
  private final DaemonSegment segment;
  private final MemorySegment memory;
  private @Nullable SlabWriter writer;
  private long position;
  private long live;
  private long liveBytes;
  private long oldestVersion = Long.MAX_VALUE;

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
  public static long recordSpan(RecordParts parts) {
    return RecordLayout.align(parts.bytes());
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

  /// Bytes of those records and their payloads, padding included.
  public long liveBytes() {
    return liveBytes;
  }

  /// The smallest version of all its records, live or not.
  public long oldestVersion() {
    return oldestVersion;
  }

  /// Where the record at byte `at` ends, with its payload if that is here, and the next begins.
  public long end(long at) {
    if (memory.get(LittleEndian.U64, at + RecordLayout.SEGMENT) != 0) {
      long bytes = memory.get(LittleEndian.U32, at + RecordLayout.RECORD_BYTES);
      return RecordLayout.align(at + bytes);
    }
    long payload = memory.get(LittleEndian.U64, at + RecordLayout.OFFSET);
    return RecordLayout.align(payload + memory.get(LittleEndian.U64, at + RecordLayout.NBYTES));
  }

  /// Appends a record whose payload lies elsewhere. Returns where it begins.
  public long append(BufferRecord record, ByteBuffer metadata) {
    long at = position;
    return appended(at, writer().write(at, record, metadata), record.version());
  }

  /// Appends a record and, where it says, its payload. Returns where the record begins.
  public long append(BufferRecord record, ByteBuffer metadata, ByteBuffer payload) {
    long at = position;
    SlabWriter both = writer();
    long end = both.write(record.offset(), payload);
    both.write(at, record, metadata);
    return appended(at, end, record.version());
  }

  /// Appends a record as it stands in another slab, with its payload if that is there. Returns
  /// where it begins.
  public long appendCopy(Slab from, long at) {
    long start = position;
    long bytes = from.end(at) - at;
    writer().copy(start, from.memory, at, bytes);
    long version = from.memory.get(LittleEndian.U64, at + RecordLayout.VERSION);
    return appended(start, start + bytes, version);
  }

  private long appended(long at, long end, long version) {
    position = RecordLayout.align(end);
    live++;
    liveBytes += position - at;
    oldestVersion = Math.min(oldestVersion, version);
    return at;
  }

  /// The word of the record at byte `at` has gone from the catalog; its bytes stay.
  public void forget(long at) {
    live--;
    liveBytes -= end(at) - at;
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
