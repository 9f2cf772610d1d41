package dev.sealbuf.client;

import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.RecordCopy;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;

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
  private static final VarHandle CLOSED = closed();

  /// A ByteBuffer holds at most 2 GiB - 1.
  private static final long DIGEST_PIECE = 1 << 30;

  private final String name;
  private final MemorySegment bytes;
  private final Hold hold;
  private volatile boolean closed;
  private volatile boolean pinned;
  private volatile Supplier<Described> described;

  /// What is known beside name and bytes.
  static final class Described implements Supplier<Described> {
    private final BufferInfo info;
    private final Shape shape;
    private final byte[] metadata;

    Described(BufferInfo info, Shape shape, byte[] metadata) {
      this.info = info;
      this.shape = shape;
      this.metadata = metadata;
    }

    static Described of(RecordCopy copy) {
      BufferRecord record = copy.read();
      Shape shape = Shape.of(record.description(), record.nbytes());
      return new Described(BufferInfo.of(record, shape), shape, copy.metadata());
    }

    @Override
    public Described get() {
      return this;
    }
  }

  private SealedBuffer(String name, MemorySegment bytes, Hold hold, Supplier<Described> described) {
    this.name = name;
    this.bytes = bytes;
    this.hold = hold;
    this.described = described;
  }

  /// A buffer in a slab that is held for it.
  static SealedBuffer inSlab(String name, RecordCopy record, SharedMapping slab) {
    MemorySegment bytes = slab.segment().asSlice(record.offset(), record.nbytes());
    return new SealedBuffer(name, bytes, slab, () -> Described.of(record));
  }

  /// What was opened before, in a slab that is held for this.
  static SealedBuffer again(FoundBefore.Entry entry) {
    return new SealedBuffer(entry.name(), entry.bytes(), entry.slab(), entry.described());
  }

  /// What to open this by again.
  FoundBefore.Entry entry(CatalogReader.Found found) {
    return new FoundBefore.Entry(name, found.hash(), found.word(), found.slab(), bytes, described);
  }

  /// A buffer in a dedicated segment; owns the mapping.
  static SealedBuffer inSegment(String name, RecordCopy record, Mapping mapping) {
    MemorySegment bytes = mapping.segment().asSlice(record.offset(), record.nbytes());
    return new SealedBuffer(name, bytes, mapping::close, () -> Described.of(record));
  }

  /// The same, by what its producer knows.
  static SealedBuffer inSegment(Described described, Mapping mapping) {
    BufferInfo info = described.info;
    MemorySegment bytes = mapping.segment().asSlice(0, info.nbytes());
    return new SealedBuffer(info.name(), bytes, mapping::close, described);
  }

  private static VarHandle closed() {
    try {
      return MethodHandles.lookup().findVarHandle(SealedBuffer.class, "closed", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /// Read when somebody asks first. Two threads that ask at once may both read, and see the same.
  private Described described() {
    Described read = described.get();
    described = read;
    return read;
  }

  /// The bytes, read-only, whatever their number.
  public MemorySegment segment() {
    if (closed) {
      throw new ClosedException("the buffer is closed: name=" + name);
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

  /// SHA-256 of the bytes as they lie in memory, which is the same in every language.
  public byte[] digest() {
    MessageDigest digest = sha256();
    MemorySegment whole = segment();
    for (long from = 0; from < whole.byteSize(); from += DIGEST_PIECE) {
      long length = Math.min(DIGEST_PIECE, whole.byteSize() - from);
      digest.update(whole.asSlice(from, length).asByteBuffer());
    }
    return digest.digest();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  /// All that the store says about it.
  public BufferInfo info() {
    return described().info;
  }

  public String name() {
    return name;
  }

  /// Number of the publication; grows with every publication of the daemon.
  public long version() {
    return info().version();
  }

  /// The uid that published.
  public long owner() {
    return info().owner();
  }

  public long nbytes() {
    return bytes.byteSize();
  }

  /// Type and number of the items.
  public Shape shape() {
    return described().shape;
  }

  public ElementType elementType() {
    return shape().elementType();
  }

  /// PEP 3118 format of an item.
  public String format() {
    return info().format();
  }

  /// Bytes from one item to the next along each axis.
  public List<Long> strides() {
    return shape().strides();
  }

  /// A copy of what its producer said beside the bytes; no bytes if that was nothing.
  public byte[] metadata() {
    return described().metadata.clone();
  }

  public Instant created() {
    return info().created();
  }

  /// Ends the use of this object, and the mapping if it has one of its own. Does nothing when this
  /// is closed already.
  ///
  /// @throws StillMappedException when a thread is inside a call that works on a view; nothing has
  ///   changed
  @Override
  public void close() {
    if ((boolean) CLOSED.getAndSet(this, true) || pinned) {
      return;
    }
    try {
      Views.end(hold::release, name);
    } catch (StillMappedException e) {
      closed = false;
      throw e;
    }
  }

  @Override
  public String toString() {
    return "SealedBuffer[name=%s version=%d nbytes=%d%s]"
        .formatted(name, version(), nbytes(), closed ? " closed" : "");
  }
}
