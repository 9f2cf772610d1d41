package dev.sealbuf.protocol;

import org.jspecify.annotations.Nullable;

/// The codes of a format, as on x86-64 and aarch64 with Linux, where everything is aligned to its
/// size.
///
/// @param standardBytes in a format with `=`, `<`, `>` or `!`; 0: not there
/// @param nativeBytes in a format with `@` or `^`; 0: a pointer, which no item is
record ItemType(int standardBytes, int nativeBytes, int alignment) {
  private static final ItemType BYTE = same(1);
  private static final ItemType TWO = same(2);
  private static final ItemType FOUR = same(4);
  private static final ItemType EIGHT = same(8);
  private static final ItemType LONG = new ItemType(4, 8, 8);
  private static final ItemType SIZE = new ItemType(0, 8, 8);
  private static final ItemType LONG_DOUBLE = new ItemType(0, 16, 16);
  private static final ItemType COMPLEX_FLOAT = new ItemType(8, 8, 4);
  private static final ItemType COMPLEX_DOUBLE = new ItemType(16, 16, 8);
  private static final ItemType COMPLEX_LONG_DOUBLE = new ItemType(0, 32, 16);
  private static final ItemType POINTER = new ItemType(0, 0, 1);

  static @Nullable ItemType of(char code) {
    return switch (code) {
      case 'x', 'c', 'b', 'B', '?', 's', 'p' -> BYTE;
      case 'h', 'H', 'e', 'u' -> TWO;
      case 'i', 'I', 'f', 'w' -> FOUR;
      case 'l', 'L' -> LONG;
      case 'q', 'Q', 'd' -> EIGHT;
      case 'n', 'N' -> SIZE;
      case 'g' -> LONG_DOUBLE;
      case 'O', 'P', '&', 'X' -> POINTER;
      default -> null;
    };
  }

  /// Of the letter behind a `Z`.
  static @Nullable ItemType ofComplex(char code) {
    return switch (code) {
      case 'f' -> COMPLEX_FLOAT;
      case 'd' -> COMPLEX_DOUBLE;
      case 'g' -> COMPLEX_LONG_DOUBLE;
      default -> null;
    };
  }

  private static ItemType same(int bytes) {
    return new ItemType(bytes, bytes, bytes);
  }

  boolean isPointer() {
    return nativeBytes == 0;
  }

  boolean isNativeOnly() {
    return standardBytes == 0;
  }
}
