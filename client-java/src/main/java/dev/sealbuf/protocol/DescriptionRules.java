package dev.sealbuf.protocol;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;

/// The rules for descriptions, as *Descriptions* in `protocol/PROTOCOL.md` has them.
///
/// Readers hand a description to whoever takes buffers, so what passes here must not hurt them: no
/// item leaves the buffer, no item is empty, and no product of what is in it exceeds 53 bits.
public final class DescriptionRules {
  private static final Pattern TYPESTR =
      Pattern.compile("[<>][mM]8(\\[([1-9][0-9]{0,8})?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)])?");

  private DescriptionRules() {}

  /// Checks the description of a buffer that has so many bytes.
  public static void check(Description description, long nbytes) throws DescriptionException {
    checkText(description.format());
    checkTypestr(description);
    checkAxes(description);
    ItemFormat format = ItemFormat.parse(description.format());
    long item = description.itemBytes(nbytes);
    if (item < 1) {
      throw new DescriptionException("an item has 1 byte or more: item_bytes=" + item);
    }
    if (!format.canHave(item)) {
      throw new DescriptionException(
          "items are as large as their format says: item_bytes=%d format=%s"
              .formatted(item, format.sizes()));
    }
    checkStrides(description, item);
    long items = description.shape().stream().reduce(1L, (a, b) -> a * b);
    if (items * item != nbytes) {
      throw new DescriptionException(
          "items fill the buffer: items=%d item_bytes=%d nbytes=%d".formatted(items, item, nbytes));
    }
  }

  /// That of the first bytes of a buffer: items are taken off the first axis.
  public static Description shorten(Description description, long nbytes)
      throws DescriptionException {
    List<Long> shape = description.shape();
    List<Long> strides = description.strides();
    boolean inRows =
        !shape.isEmpty()
            && strides.equals(contiguous(shape, strides.getLast()))
            && nbytes % strides.getFirst() == 0;
    if (!inRows) {
      throw new DescriptionException(
          "a described buffer in C order is shortened by whole items of its first axis:"
              + " nbytes=%d shape=%s strides=%s".formatted(nbytes, shown(shape), shown(strides)));
    }
    List<Long> shorter = new ArrayList<>(shape);
    shorter.set(0, nbytes / strides.getFirst());
    return new Description(description.format(), description.typestr(), shorter, strides);
  }

  private static void checkText(String format) throws DescriptionException {
    if (format.isEmpty()) {
      throw new DescriptionException("format is empty: bytes=0 min=1");
    }
    long bytes = 0;
    for (int at = 0; at < format.length(); ) {
      int point = format.codePointAt(at);
      if (Character.isISOControl(point)) {
        throw new DescriptionException(
            "format has a control character: char=U+%04X format_at=%d".formatted(point, at));
      }
      if (Names.isSurrogate(point)) {
        throw new DescriptionException(
            "format has an unpaired surrogate: char=U+%04X format_at=%d".formatted(point, at));
      }
      bytes += Names.utf8Length(point);
      at += Character.charCount(point);
    }
    if (bytes > Limits.FORMAT_MAX) {
      throw new DescriptionException(
          "format too long: bytes=%d max=%d".formatted(bytes, Limits.FORMAT_MAX));
    }
  }

  private static void checkTypestr(Description description) throws DescriptionException {
    if (description.typestr().isEmpty()) {
      return;
    }
    String typestr = description.typestr().get();
    if (typestr.length() > Limits.TYPESTR_MAX) {
      throw new DescriptionException(
          "typestr too long: chars=%d max=%d".formatted(typestr.length(), Limits.TYPESTR_MAX));
    }
    if (!TYPESTR.matcher(typestr).matches()) {
      throw new DescriptionException(
          "a typestr is one of datetime64 or timedelta64: typestr=" + Names.printable(typestr));
    }
    String formats = typestr.charAt(0) == '<' ? "q|@q|\\^q|=q|<q" : ">q|!q";
    if (!description.format().matches(formats)) {
      throw new DescriptionException(
          "with a typestr the format is q with the same byte order: typestr=%s format=%s"
              .formatted(typestr, Names.printable(description.format())));
    }
  }

  private static void checkAxes(Description description) throws DescriptionException {
    int axes = description.ndim();
    if (axes > Limits.NDIM_MAX) {
      throw new DescriptionException(
          "too many axes: min=%d max=%d".formatted(axes, Limits.NDIM_MAX));
    }
    if (axes != description.strides().size()) {
      throw new DescriptionException(
          "each axis has a stride: shape=%s strides=%s"
              .formatted(shown(description.shape()), shown(description.strides())));
    }
    checkRange("shape", description.shape());
    checkRange("strides", description.strides());
  }

  private static void checkRange(String field, List<Long> values) throws DescriptionException {
    for (long value : values) {
      if (value < 0 || value > Limits.SEQ_MAX) {
        throw new DescriptionException(
            "integer out of bounds: field=%s value=%d min=0 max=%d"
                .formatted(field, value, Limits.SEQ_MAX));
      }
    }
  }

  /// Checks that the strides are those of a contiguous array, and that it is not too large.
  private static void checkStrides(Description description, long item) throws DescriptionException {
    List<Long> shape = description.shape();
    List<Long> strides = description.strides();
    long extent = item;
    for (long items : shape) {
      if (Math.max(items, 1) > Limits.SEQ_MAX / extent) {
        throw new DescriptionException(
            "array too large, axes of 0 items counted as 1: shape=%s item_bytes=%d max=%d"
                .formatted(shown(shape), item, Limits.SEQ_MAX));
      }
      extent *= Math.max(items, 1);
    }
    boolean isContiguous =
        strides.equals(contiguous(shape, item))
            || strides.reversed().equals(contiguous(shape.reversed(), item));
    if (!isContiguous) {
      throw new DescriptionException(
          "strides are those of a contiguous array in C or Fortran order: shape=%s strides=%s"
              .formatted(shown(shape), shown(strides)));
    }
  }

  /// The strides in C order of a shape that is not too large.
  private static List<Long> contiguous(List<Long> shape, long item) {
    List<Long> strides = new ArrayList<>();
    long stride = item;
    for (long items : shape.reversed()) {
      strides.add(stride);
      stride *= Math.max(items, 1);
    }
    Collections.reverse(strides);
    return strides;
  }

  private static String shown(List<Long> values) {
    return Names.printable(values.toString().replace(" ", ""));
  }
}
