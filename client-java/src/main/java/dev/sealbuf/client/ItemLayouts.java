package dev.sealbuf.client;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;

/// Which of Java's layouts reads an item of a format: one letter, perhaps with a mark for byte
/// order and size in front.
///
/// | mark | order | size of `l` and `L` |
/// |---|---|---|
/// | none, `@` | the machine's | 8 |
/// | `=` | the machine's | 4 |
/// | `<` | little-endian | 4 |
/// | `>` `!` | big-endian | 4 |
final class ItemLayouts {
  private ItemLayouts() {}

  static Optional<ValueLayout> of(String format) {
    boolean marked = !format.isEmpty() && "@=<>!".indexOf(format.charAt(0)) >= 0;
    char mark = marked ? format.charAt(0) : '@';
    String letter = marked ? format.substring(1) : format;
    return layout(letter, mark).map(layout -> layout.withOrder(order(mark)));
  }

  private static ByteOrder order(char mark) {
    return switch (mark) {
      case '>', '!' -> ByteOrder.BIG_ENDIAN;
      case '<' -> ByteOrder.LITTLE_ENDIAN;
      default -> ByteOrder.nativeOrder();
    };
  }

  private static Optional<ValueLayout> layout(String letter, char mark) {
    ValueLayout layout =
        switch (letter) {
          case "?" -> ValueLayout.JAVA_BOOLEAN;
          case "b", "B", "c" -> ValueLayout.JAVA_BYTE;
          case "h", "H", "e" -> ValueLayout.JAVA_SHORT_UNALIGNED;
          case "i", "I" -> ValueLayout.JAVA_INT_UNALIGNED;
          case "l", "L" ->
              mark == '@' ? ValueLayout.JAVA_LONG_UNALIGNED : ValueLayout.JAVA_INT_UNALIGNED;
          case "q", "Q", "n", "N" -> ValueLayout.JAVA_LONG_UNALIGNED;
          case "f" -> ValueLayout.JAVA_FLOAT_UNALIGNED;
          case "d" -> ValueLayout.JAVA_DOUBLE_UNALIGNED;
          default -> null;
        };
    return Optional.ofNullable(layout);
  }
}
