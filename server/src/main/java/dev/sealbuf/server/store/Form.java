package dev.sealbuf.server.store;

import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.DescriptionException;
import dev.sealbuf.protocol.DescriptionRules;
import dev.sealbuf.protocol.ErrorCode;
import java.nio.ByteBuffer;
import java.util.Optional;

/// What a producer says of a buffer: what its bytes are, unless they are just bytes, and what only
/// users understand.
public record Form(Optional<Description> description, ByteBuffer metadata) {
  /// Bytes, and nothing is said of them.
  public static final Form PLAIN = new Form(Optional.empty(), ByteBuffer.allocate(0));

  /// Of a char, in UTF-8.
  private static final long BYTES_PER_CHAR = 3;

  /// Of an axis: its items and its stride.
  private static final long BYTES_PER_AXIS = 2 * Long.BYTES;

  /// A description without text and axes, a char at its widest, and an axis: two boxed numbers in
  /// two lists.
  private static final long HEAP_PER_DESCRIPTION = 192;

  private static final long HEAP_PER_CHAR = 2;
  private static final long HEAP_PER_AXIS = 56;

  /// Refuses a description that is not one of so many bytes.
  static void require(Optional<Description> description, long nbytes) throws Refusal {
    if (description.isPresent()) {
      try {
        DescriptionRules.check(description.get(), nbytes);
      } catch (DescriptionException e) {
        throw invalid(e);
      }
    }
  }

  void require(long nbytes) throws Refusal {
    require(description, nbytes);
  }

  /// That of the first bytes of a buffer.
  Form shortened(long nbytes) throws Refusal {
    if (description.isEmpty()) {
      return this;
    }
    try {
      return new Form(Optional.of(DescriptionRules.shorten(description.get(), nbytes)), metadata);
    } catch (DescriptionException e) {
      throw invalid(e);
    }
  }

  /// One that does not keep the frame it came in.
  Form copy() {
    ByteBuffer own = ByteBuffer.allocate(metadata.remaining()).put(metadata.duplicate()).flip();
    return new Form(description, own.asReadOnlyBuffer());
  }

  /// At most so many bytes more than the record of a buffer that is just bytes.
  long bytes() {
    return metadata.remaining() + description.map(Form::bytes).orElse(0L);
  }

  static long bytes(Description description) {
    long chars = description.format().length();
    chars += description.typestr().map(String::length).orElse(0);
    return chars * BYTES_PER_CHAR + description.ndim() * BYTES_PER_AXIS;
  }

  /// What it takes on the heap; one that says nothing takes nothing.
  long heapBytes() {
    return metadata.remaining() + description.map(Form::heapBytes).orElse(0L);
  }

  static long heapBytes(Description description) {
    long text = HEAP_PER_CHAR * description.format().length();
    return HEAP_PER_DESCRIPTION + text + HEAP_PER_AXIS * description.ndim();
  }

  private static Refusal invalid(DescriptionException cause) {
    return new Refusal(ErrorCode.INVALID_REQUEST, String.valueOf(cause.getMessage()));
  }
}
