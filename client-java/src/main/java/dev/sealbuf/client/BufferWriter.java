package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.LongFunction;

/// Memory to write a buffer in place, where readers will read it.
///
/// **Sealing.** The kernel seals a segment only when nobody could write to it any more. So [#seal]
/// first ends the writable views (using one afterwards is an `IllegalStateException`) and lays a
/// read-only mapping over the same pages, then asks the daemon. When somebody else still can write,
/// the daemon says [StillMappedException] and the writer stays frozen: seal again, or give up.
///
/// | state | seal | still_mapped | abort, close |
/// |---|---|---|---|
/// | WRITING | SEALED | FROZEN | ABORTED |
/// | FROZEN | SEALED | FROZEN | ABORTED |
/// | SEALED | refused | - | nothing |
/// | ABORTED | refused | - | nothing |
///
/// **Threads.** The memory may be filled by many threads; the methods belong to one at a time.
public final class BufferWriter implements AutoCloseable {
  private enum State {
    WRITING,
    FROZEN,
    SEALED,
    ABORTED
  }

  private final Lender lender;
  private final Reply.Lent loan;
  private final Mapping mapping;
  private final Fd readOnly;
  private final Shape shape;
  private final byte[] metadata;
  private State state = State.WRITING;
  private boolean unanswered;

  /// Who lent the memory: a buffer is sealed on the connection on which it was created, so it ends
  /// with its daemon.
  ///
  /// @param timeout of each request
  record Lender(Connection connection, long uid, Duration timeout) {
    private Answer call(LongFunction<Request> request) {
      return connection.call(request, Deadline.after(timeout));
    }
  }

  private BufferWriter(
      Lender lender, Reply.Lent loan, Mapping mapping, Fd readOnly, Shape shape, byte[] metadata) {
    this.lender = lender;
    this.loan = loan;
    this.mapping = mapping;
    this.readOnly = readOnly;
    this.shape = shape;
    this.metadata = metadata;
  }

  /// Maps a lent segment. The writable descriptor ends with the answer, so that nothing else is
  /// mapped through it: any such mapping is what a seal waits for.
  static BufferWriter map(Lender lender, Answer answer, Shape shape, byte[] metadata) {
    Reply.Lent loan = answer.expect(Reply.Lent.class, 2);
    try {
      return map(lender, loan, answer.descriptors(), shape, metadata);
    } catch (RuntimeException | Error e) {
      lender.connection.forget(
          loan.buffer()); // or its name stays taken for as long as the session lasts
      throw e;
    }
  }

  private static BufferWriter map(
      Lender lender, Reply.Lent loan, List<Fd> descriptors, Shape shape, byte[] metadata) {
    Segments.requireLength(loan);
    Mapping mapping = Segments.mapLent(descriptors.getFirst(), loan.segmentBytes());
    try {
      Fd readOnly = descriptors.getLast().dup();
      return new BufferWriter(lender, loan, mapping, readOnly, shape, metadata);
    } catch (IOException e) {
      mapping.close();
      throw new TooManyMappingsException("no descriptor left: error=" + e.getMessage());
    }
  }

  /// The name, given or made up by the store.
  public String name() {
    return loan.name();
  }

  public long nbytes() {
    return loan.nbytes();
  }

  /// Type and number of the items, as they were asked for; nothing but bytes if nobody did.
  public Shape shape() {
    return shape;
  }

  public ElementType elementType() {
    return shape.elementType();
  }

  /// PEP 3118 format of an item.
  public String format() {
    return shape.elementType().format();
  }

  /// Bytes from one item to the next along each axis.
  public List<Long> strides() {
    return shape.strides();
  }

  /// A copy of the metadata that will be published with the buffer.
  public byte[] metadata() {
    return metadata.clone();
  }

  /// The memory, writable until the seal.
  public MemorySegment segment() {
    requireUnfinished();
    return mapping.segment().asSlice(0, loan.nbytes());
  }

  /// The memory as a little-endian [ByteBuffer], which holds at most 2 GiB - 1.
  ///
  /// @throws InvalidRequestException when there are more bytes
  public ByteBuffer byteBuffer() {
    return Views.byteBuffer(segment());
  }

  /// Publishes all bytes. Views taken before end here.
  ///
  /// @throws StillMappedException when somebody can still write to the segment; seal again later
  public SealedBuffer seal() {
    return seal(OptionalLong.empty(), shape);
  }

  /// Publishes the first `nbytes` bytes, of a shape in C order whole items along its first axis.
  ///
  /// @throws InvalidRequestException when there are fewer bytes, or the shape has no such part
  public SealedBuffer seal(long nbytes) {
    if (nbytes < 0 || nbytes > loan.nbytes()) {
      throw new InvalidRequestException(
          "a seal publishes at most what was created: nbytes=%d max=%d"
              .formatted(nbytes, loan.nbytes()));
    }
    return nbytes == loan.nbytes() ? seal() : seal(OptionalLong.of(nbytes), shape.first(nbytes));
  }

  private SealedBuffer seal(OptionalLong asked, Shape part) {
    requireUnfinished();
    freeze();
    try (Answer answer = lender.call(seq -> new Request.Seal(seq, loan.buffer(), asked))) {
      Reply.Published published = answer.expect(Reply.Published.class, 0);
      state = State.SEALED;
      readOnly.close();
      BufferInfo info = BufferInfo.of(published, part, lender.uid);
      return SealedBuffer.inSegment(new SealedBuffer.Described(info, part, metadata), mapping);
    } catch (ProtocolException e) {
      lender.connection.lose();
      throw e;
    } catch (TimeoutException e) {
      unanswered = true;
      throw e;
    }
  }

  /// Gives the memory back; views taken before end here. Does nothing when this is sealed or
  /// aborted already.
  public void abort() {
    if (state == State.SEALED || state == State.ABORTED) {
      return;
    }
    Views.end(mapping::close, loan.name());
    readOnly.close();
    state = State.ABORTED;
    if (unanswered) { // nor would the daemon answer to this
      lender.connection.forget(loan.buffer());
      return;
    }
    try {
      lender.call(seq -> new Request.Abort(seq, loan.buffer())).close();
    } catch (TimeoutException e) {
      lender.connection.forget(loan.buffer());
      throw e;
    }
  }

  /// Aborts what was not sealed.
  @Override
  public void close() {
    try {
      abort();
    } catch (DisconnectedException | ClosedException _) {
      // The daemon gives up what a session leaves unfinished.
    }
  }

  private void freeze() {
    if (state == State.FROZEN) {
      return;
    }
    Views.end(this::layReadOnly, loan.name());
    state = State.FROZEN;
  }

  private void layReadOnly() {
    try {
      mapping.sealReadOnly(readOnly);
    } catch (IOException e) {
      abort();
      throw new ProtocolException("segment cannot be mapped for reading: error=" + e.getMessage());
    }
  }

  private void requireUnfinished() {
    switch (state) {
      case WRITING, FROZEN -> {}
      case SEALED -> throw new ClosedException("the writer has sealed: name=" + loan.name());
      case ABORTED -> throw new ClosedException("the writer was aborted: name=" + loan.name());
    }
  }

  @Override
  public String toString() {
    return "BufferWriter[name=%s nbytes=%d %s]".formatted(loan.name(), loan.nbytes(), state);
  }
}
