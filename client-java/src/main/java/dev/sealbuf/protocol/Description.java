package dev.sealbuf.protocol;

import java.util.List;
import java.util.Optional;

/// What the bytes of a buffer are: *Descriptions* in `protocol/PROTOCOL.md`. Fields in the order of
/// the wire.
///
/// What comes from a peer is not judged here but by [DescriptionRules]; what a record in a slab
/// says, the daemon has judged.
///
/// @param format what an item is, in the syntax of PEP 3118
/// @param typestr NumPy's, where the format cannot say it
/// @param shape items along each axis
/// @param strides bytes from one item to the next along each axis
public record Description(
    String format, Optional<String> typestr, List<Long> shape, List<Long> strides) {
  private static final String BYTES = "B";
  private static final List<Long> BYTE_STRIDES = List.of(1L);

  public Description {
    shape = List.copyOf(shape);
    strides = List.copyOf(strides);
  }

  /// Without a typestr.
  public Description(String format, List<Long> shape, List<Long> strides) {
    this(format, Optional.empty(), shape, strides);
  }

  /// Of a buffer that nobody described: so many bytes.
  public static Description bytes(long nbytes) {
    return new Description(BYTES, List.of(nbytes), BYTE_STRIDES);
  }

  public int ndim() {
    return shape.size();
  }

  /// Size of an item of a buffer that has so many bytes.
  public long itemBytes(long nbytes) {
    return strides.isEmpty() ? nbytes : Math.min(strides.getFirst(), strides.getLast());
  }
}
