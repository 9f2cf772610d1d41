package dev.sealbuf.client;

import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.Limits;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.LongStream;

/// How the bytes of a buffer are items: their type, how many there are along each axis, and how far
/// apart they lie.
///
/// ```java
/// Shape images = Shape.of(ElementType.UINT8, 64, 224, 224, 3);
/// images.nbytes(); // 9633792
/// images.offset(1, 0, 0, 2); // 150530, the byte at which that item begins
/// ```
///
/// Items lie without gaps, in C order (the last axis varies fastest) or in Fortran order (the first
/// one does). No axis is one item; an axis of 0 items makes an empty buffer.
public final class Shape {
  private final ElementType elementType;
  private final List<Long> dimensions;
  private final List<Long> strides;
  private final long items;

  private Shape(ElementType elementType, List<Long> dimensions, List<Long> strides) {
    this.elementType = elementType;
    this.dimensions = dimensions;
    this.strides = strides;
    long product = 1;
    for (long each : dimensions) {
      product *= each;
    }
    this.items = product;
  }

  /// Items in C order.
  ///
  /// @throws InvalidRequestException when an axis is negative, there are more than 64, or the bytes
  ///   are more than 2^53 - 1
  public static Shape of(ElementType elementType, long... dimensions) {
    long[] strides = new long[check(dimensions).length];
    long stride = elementType.bytes();
    for (int axis = dimensions.length - 1; axis >= 0; axis--) {
      strides[axis] = stride;
      stride = times(stride, dimensions, axis);
    }
    return new Shape(elementType, list(dimensions), list(strides));
  }

  /// Items in Fortran order.
  ///
  /// @throws InvalidRequestException when an axis is negative, there are more than 64, or the bytes
  ///   are more than 2^53 - 1
  public static Shape ofFortran(ElementType elementType, long... dimensions) {
    long[] strides = new long[check(dimensions).length];
    long stride = elementType.bytes();
    for (int axis = 0; axis < dimensions.length; axis++) {
      strides[axis] = stride;
      stride = times(stride, dimensions, axis);
    }
    return new Shape(elementType, list(dimensions), list(strides));
  }

  /// Nothing but bytes, which is what a buffer is when nobody says more.
  static Shape bytes(long nbytes) {
    return of(ElementType.UINT8, nbytes);
  }

  /// What a record or a frame says, which the daemon has judged.
  static Shape of(Description description, long nbytes) {
    ElementType type =
        ElementType.described(
            description.format(), description.typestr(), description.itemBytes(nbytes));
    return new Shape(type, description.shape(), description.strides());
  }

  /// What is said to the daemon; nothing about what is nothing but bytes.
  Optional<Description> description() {
    return ndim() == 1 && elementType.equals(ElementType.UINT8)
        ? Optional.empty()
        : Optional.of(
            new Description(elementType.format(), elementType.typestr(), dimensions, strides));
  }

  /// This, if it has so many bytes.
  Shape requireBytes(long nbytes) {
    if (nbytes != nbytes()) {
      throw new InvalidRequestException(
          "the data has as many bytes as its shape: nbytes=%d shape=%s shape_bytes=%d"
              .formatted(nbytes, this, nbytes()));
    }
    return this;
  }

  private static long[] check(long[] dimensions) {
    if (dimensions.length > Limits.NDIM_MAX) {
      throw new InvalidRequestException(
          "too many axes: ndim=%d max=%d".formatted(dimensions.length, Limits.NDIM_MAX));
    }
    if (Arrays.stream(dimensions).anyMatch(items -> items < 0)) {
      throw new InvalidRequestException(
          "an axis has at least 0 items: shape=" + Arrays.toString(dimensions));
    }
    return dimensions;
  }

  /// The next stride; as in NumPy an axis of 0 items counts as one of 1.
  private static long times(long stride, long[] dimensions, int axis) {
    long items = Math.max(1, dimensions[axis]);
    if (stride > Limits.SEQ_MAX / items) {
      throw new InvalidRequestException(
          "a shape has at most 2^53-1 bytes: shape=" + Arrays.toString(dimensions));
    }
    return stride * items;
  }

  public ElementType elementType() {
    return elementType;
  }

  /// Items along each axis.
  public List<Long> dimensions() {
    return dimensions;
  }

  /// Bytes from one item to the next along each axis.
  public List<Long> strides() {
    return strides;
  }

  /// How many axes there are.
  public int ndim() {
    return dimensions.size();
  }

  /// How many items there are.
  public long items() {
    return items;
  }

  /// How many bytes there are.
  public long nbytes() {
    return items * elementType.bytes();
  }

  /// Whether the items lie in C order; with one axis or fewer they lie in both.
  public boolean isC() {
    return strides.equals(of(elementType, array(dimensions)).strides);
  }

  /// Whether the items lie in Fortran order.
  public boolean isFortran() {
    return strides.equals(ofFortran(elementType, array(dimensions)).strides);
  }

  /// The byte at which an item begins.
  ///
  /// @param index of the item along each axis
  /// @throws InvalidRequestException when there are more or fewer indexes than axes
  /// @throws IndexOutOfBoundsException when there is no such item
  public long offset(long... index) {
    if (index.length != ndim()) {
      throw new InvalidRequestException(
          "an item has one index for each axis: indexes=%d ndim=%d"
              .formatted(index.length, ndim()));
    }
    long offset = 0;
    for (int axis = 0; axis < index.length; axis++) {
      offset += Objects.checkIndex(index[axis], dimensions.get(axis)) * strides.get(axis);
    }
    return offset;
  }

  /// The first bytes of it: fewer items along the first axis.
  Shape first(long bytes) {
    if (bytes == nbytes()) {
      return this;
    }
    if (ndim() == 0 || !isC()) {
      throw new InvalidRequestException(
          "a part is sealed of what is in C order and has an axis: shape=" + this);
    }
    long stride = strides.getFirst();
    if (bytes % stride != 0) {
      throw new InvalidRequestException(
          "a part has whole items along the first axis: nbytes=%d stride=%d"
              .formatted(bytes, stride));
    }
    long[] fewer = array(dimensions);
    fewer[0] = bytes / stride;
    return of(elementType, fewer);
  }

  private static List<Long> list(long[] values) {
    return LongStream.of(values).boxed().toList();
  }

  private static long[] array(List<Long> values) {
    return values.stream().mapToLong(Long::longValue).toArray();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape that
        && elementType.equals(that.elementType)
        && dimensions.equals(that.dimensions)
        && strides.equals(that.strides);
  }

  @Override
  public int hashCode() {
    return Objects.hash(elementType, dimensions, strides);
  }

  /// For people: `f[64, 3]`, in Fortran order `f[64, 3] Fortran`.
  @Override
  public String toString() {
    return elementType.toString() + dimensions + (isC() ? "" : " Fortran");
  }
}
