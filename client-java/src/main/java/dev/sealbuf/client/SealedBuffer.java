package dev.sealbuf.client;

import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BufferRecord;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/// A published buffer: bytes that nobody can change any more, the kernel sees to it.
///
/// It outlives the store, the deletion of its name and the daemon. For any thread.
///
/// **Lifetime of views.** They are valid until [#close], whatever becomes of name, store and
/// daemon; using one afterwards is an `IllegalStateException`, never a crash and never other bytes.
/// (A large buffer has a mapping of its own, which ends at once. A small one shares its segment
/// with others, so its views may go on for a while.) A buffer that was never closed ends when
/// neither it nor a view can be reached any more, which only the garbage collector finds out: until
/// then it keeps the memory of what was deleted.
public final class SealedBuffer implements AutoCloseable {
  private final BufferInfo info;
  private final Shape shape;
  private final byte[] metadata;
  private final MemorySegment bytes;
  private final Runnable end;
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile boolean pinned;

  private SealedBuffer(
      BufferInfo info, Shape shape, byte[] metadata, MemorySegment bytes, Runnable end) {
    this.info = info;
    this.shape = shape;
    this.metadata = metadata;
    this.bytes = bytes;
    this.end = end;
  }

  /// A buffer in a slab that is held for it.
  static SealedBuffer inSlab(BufferRecord record, byte[] metadata, SharedMapping slab) {
    Shape shape = Shape.of(record.description(), record.nbytes());
    MemorySegment bytes = slab.segment().asSlice(record.offset(), record.nbytes());
    return new SealedBuffer(BufferInfo.of(record, shape), shape, metadata, bytes, slab::release);
  }

  /// A buffer in a dedicated segment; owns the mapping.
  static SealedBuffer inSegment(BufferRecord record, byte[] metadata, Mapping mapping) {
    Shape shape = Shape.of(record.description(), record.nbytes());
    return inSegment(BufferInfo.of(record, shape), shape, metadata, mapping, record.offset());
  }

  /// The same, by what its producer knows.
  static SealedBuffer inSegment(
      BufferInfo info, Shape shape, byte[] metadata, Mapping mapping, long offset) {
    MemorySegment bytes = mapping.segment().asSlice(offset, info.nbytes());
    return new SealedBuffer(info, shape, metadata, bytes, mapping::close);
  }

  /// The bytes, read-only, whatever their number.
  public MemorySegment segment() {
    if (closed.get()) {
      throw new ClosedException("the buffer is closed: name=" + info.name());
    }
    return bytes;
  }

  /// The bytes, which from now on stay mapped for as long as the returned segment can be reached,
  /// whether this is closed or not.
  MemorySegment pin() {
    pinned = true;
    return segment();
  }

  /// The bytes as a read-only, little-endian [ByteBuffer], which holds at most 2 GiB - 1.
  ///
  /// @throws InvalidRequestException when there are more
  public ByteBuffer byteBuffer() {
    return Views.byteBuffer(segment());
  }

  /// A copy of the bytes.
  ///
  /// @throws InvalidRequestException when there are more than an array holds
  public byte[] toByteArray() {
    Views.requireArraySize(segment());
    return segment().toArray(ValueLayout.JAVA_BYTE);
  }

  /// All that the store says about it.
  public BufferInfo info() {
    return info;
  }

  public String name() {
    return info.name();
  }

  /// Number of the publication; grows with every publication of the daemon.
  public long version() {
    return info.version();
  }

  /// The uid that published.
  public long owner() {
    return info.owner();
  }

  public long nbytes() {
    return info.nbytes();
  }

  /// Type and number of the items.
  public Shape shape() {
    return shape;
  }

  public ElementType elementType() {
    return shape.elementType();
  }

  /// PEP 3118 format of an item.
  public String format() {
    return info.format();
  }

  /// Bytes from one item to the next along each axis.
  public List<Long> strides() {
    return shape.strides();
  }

  /// A copy of what its producer said beside the bytes; no bytes if that was nothing.
  public byte[] metadata() {
    return metadata.clone();
  }

  public Instant created() {
    return info.created();
  }

  /// Ends the use of this object, and the mapping if it has one of its own. Does nothing when this
  /// is closed already.
  ///
  /// @throws StillMappedException when a thread is inside a call that works on a view; nothing has
  ///   changed
  @Override
  public void close() {
    if (closed.getAndSet(true) || pinned) {
      return;
    }
    try {
      Views.end(end, info.name());
    } catch (StillMappedException e) {
      closed.set(false);
      throw e;
    }
  }

  @Override
  public String toString() {
    return "SealedBuffer[name=%s version=%d nbytes=%d%s]"
        .formatted(info.name(), info.version(), info.nbytes(), closed.get() ? " closed" : "");
  }
}
