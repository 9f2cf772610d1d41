package dev.sealbuf.protocol;

import org.jspecify.annotations.Nullable;

/// The codes of a format, as on x86-64 and aarch64 with Linux, where everything is aligned to its
/// size.
///
/// @param standardBytes in a format with `=`, `<`, `>` or `!`; 0: not there
/// @param nativeBytes in a format with `@` or `^`; 0: a pointer, which no item is
record ItemType(int standardBytes, int nativeBytes, int alignment) {
  private static final ItemType POINTER = new ItemType(0, 0, 1);

  static @Nullable ItemType of(String code) {
    return switch (code) {
      case "x", "c", "b", "B", "?", "s", "p" -> same(1);
      case "h", "H", "e", "u" -> same(2);
      case "i", "I", "f", "w" -> same(4);
      case "l", "L" -> new ItemType(4, 8, 8);
      case "q", "Q", "d" -> same(8);
      case "n", "N" -> new ItemType(0, 8, 8);
      case "g" -> new ItemType(0, 16, 16);
      case "Zf" -> new ItemType(8, 8, 4);
      case "Zd" -> new ItemType(16, 16, 8);
      case "Zg" -> new ItemType(0, 32, 16);
      case "O", "P", "&", "X" -> POINTER;
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
