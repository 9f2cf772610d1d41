package dev.sealbuf.protocol;

import java.nio.charset.StandardCharsets;

/// What a name may be: 1 to 255 bytes of UTF-8 without control characters. There is no hierarchy
/// and no normalisation: two names are the same when their bytes are.
public final class Names {
  /// Longest text that [#printable(String)] lets through, so that one message stays one line.
  private static final int PRINTABLE_MAX = 300;

  private static final byte DELETE = 0x7f;

  private Names() {}

  /// Checks a name and encodes it.
  public static byte[] utf8(String name) throws NameException {
    if (name.isEmpty()) {
      throw new NameException("name is empty: bytes=0 min=1");
    }
    return prefix(name);
  }

  /// Checks the beginning of names and encodes it; unlike a name it may be empty.
  public static byte[] prefix(String prefix) throws NameException {
    if (prefix.length() > Limits.NAME_MAX) {
      throw tooLong(utf8Length(prefix));
    }
    byte[] bytes = prefix.getBytes(StandardCharsets.UTF_8);
    if (bytes.length != prefix.length() || !isPlain(bytes)) {
      checkPoints(prefix);
    }
    if (bytes.length > Limits.NAME_MAX) {
      throw tooLong(bytes.length);
    }
    return bytes;
  }

  /// Whether a text with as many bytes as letters surely needs no closer look, as hardly any does.
  /// Java writes a question mark for a surrogate without its partner.
  private static boolean isPlain(byte[] utf8) {
    for (byte each : utf8) {
      if (each < ' ' || each == DELETE || each == '?') {
        return false;
      }
    }
    return true;
  }

  /// A surrogate without its partner has no UTF-8; Java would silently write a question mark.
  private static void checkPoints(String text) throws NameException {
    for (int at = 0; at < text.length(); ) {
      int point = text.codePointAt(at);
      if (Character.isISOControl(point)) {
        throw new NameException(
            "name has a control character: char=U+%04X at=%d".formatted(point, at));
      }
      if (isSurrogate(point)) {
        throw new NameException(
            "name has an unpaired surrogate: char=U+%04X at=%d".formatted(point, at));
      }
      at += Character.charCount(point);
    }
  }

  /// Whether a text is a line for people: no control characters, and at most so many bytes of
  /// UTF-8.
  static boolean isLine(String text, int maxBytes) {
    return text.chars().noneMatch(Character::isISOControl) && utf8Length(text) <= maxBytes;
  }

  /// Makes text from a peer fit for a message or a log line: escapes control characters and
  /// unpaired surrogates, and cuts what is too long.
  public static String printable(String text) {
    StringBuilder line = new StringBuilder();
    for (int at = 0; at < text.length() && line.length() < PRINTABLE_MAX; ) {
      int point = text.codePointAt(at);
      at += Character.charCount(point);
      if (Character.isISOControl(point) || isSurrogate(point)) {
        line.append("\\u%04x".formatted(point));
      } else {
        line.appendCodePoint(point);
      }
    }
    return line.length() < PRINTABLE_MAX ? line.toString() : line.append("...").toString();
  }

  private static NameException tooLong(long bytes) {
    return new NameException("name too long: bytes=%d max=%d".formatted(bytes, Limits.NAME_MAX));
  }

  private static long utf8Length(String text) {
    return text.codePoints().mapToLong(Names::utf8Length).sum();
  }

  /// Bytes of a code point that is no surrogate.
  static long utf8Length(int point) {
    return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }

  static boolean isSurrogate(int point) {
    return point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE;
  }
}
