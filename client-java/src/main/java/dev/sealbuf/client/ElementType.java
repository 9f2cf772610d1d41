package dev.sealbuf.client;

import dev.sealbuf.protocol.Description;
import dev.sealbuf.protocol.DescriptionException;
import dev.sealbuf.protocol.DescriptionRules;
import dev.sealbuf.protocol.ItemFormat;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// What one item of a buffer is: a format in the syntax of [PEP
/// 3118](https://peps.python.org/pep-3118/), its size, and where Java has one the [ValueLayout]
/// that reads it.
///
/// The constants have the machine's byte order, which is little-endian wherever Sealbuf runs, and
/// are spelt as Python's memoryview knows them (`i`, not `<i`). Everything else a format can say,
/// such as `>i`, `<q`, or a structure `T{<i:id:<d:score:}`, comes from [#of(String)].
///
/// ```java
/// ElementType.FLOAT32.layout(); // ValueLayout.JAVA_FLOAT, unaligned, little-endian
/// ElementType.of("T{<i:id:<d:score:}").bytes(); // 12
/// ```
public final class ElementType {
  public static final ElementType BOOL = of("?");
  public static final ElementType INT8 = of("b");
  public static final ElementType UINT8 = of("B");
  public static final ElementType INT16 = of("h");
  public static final ElementType UINT16 = of("H");
  public static final ElementType INT32 = of("i");
  public static final ElementType UINT32 = of("I");
  public static final ElementType INT64 = of("q");
  public static final ElementType UINT64 = of("Q");

  /// Read as a `short`: see [Float#float16ToFloat].
  public static final ElementType FLOAT16 = of("e");

  public static final ElementType FLOAT32 = of("f");
  public static final ElementType FLOAT64 = of("d");

  /// A real and an imaginary `float`.
  public static final ElementType COMPLEX64 = of("Zf");

  /// A real and an imaginary `double`.
  public static final ElementType COMPLEX128 = of("Zd");

  private final String format;
  private final Optional<String> typestr;
  private final long bytes;

  private ElementType(String format, Optional<String> typestr, long bytes) {
    this.format = format;
    this.typestr = typestr;
    this.bytes = bytes;
  }

  /// The type of a format; a structure in the machine's own form has the padding that C gives it.
  ///
  /// @throws InvalidRequestException when it is none, or has a pointer in it
  public static ElementType of(String format) {
    return checked(format, Optional.empty());
  }

  /// A type that NumPy knows and PEP 3118 does not: `datetime64` or `timedelta64`, as `<M8[ns]` or
  /// `<m8[s]`. Its items are 64-bit integers.
  ///
  /// @throws InvalidRequestException when it is another
  public static ElementType ofTypestr(String typestr) {
    String order = typestr.startsWith(">") ? ">" : "<";
    return checked(order + "q", Optional.of(typestr));
  }

  private static ElementType checked(String format, Optional<String> typestr) {
    try {
      long bytes = ItemFormat.parse(format).paddedBytes();
      DescriptionRules.check(new Description(format, typestr, List.of(1L), List.of(bytes)), bytes);
      return new ElementType(format, typestr, bytes);
    } catch (DescriptionException e) {
      throw new InvalidRequestException(e.getMessage());
    }
  }

  /// What a record or a frame says, which the daemon has judged.
  static ElementType described(String format, Optional<String> typestr, long bytes) {
    return new ElementType(format, typestr, bytes);
  }

  /// In the syntax of PEP 3118.
  public String format() {
    return format;
  }

  /// NumPy's name of the type, where the format cannot say it.
  public Optional<String> typestr() {
    return typestr;
  }

  /// Size of an item.
  public long bytes() {
    return bytes;
  }

  /// The layout that reads and writes an item in a [java.lang.foreign.MemorySegment], at any byte;
  /// empty for complex numbers, structures and whatever else Java has no type for. Unsigned
  /// integers are read as the signed ones of their size, a FLOAT16 as a `short`.
  public Optional<ValueLayout> layout() {
    return ItemLayouts.of(format);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ElementType that
        && format.equals(that.format)
        && typestr.equals(that.typestr)
        && bytes == that.bytes;
  }

  @Override
  public int hashCode() {
    return Objects.hash(format, typestr, bytes);
  }

  @Override
  public String toString() {
    return typestr.orElse(format);
  }
}
