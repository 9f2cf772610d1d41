package dev.sealbuf.protocol;

/// Reads a PEP 3118 format, member by member.
///
/// ```
/// format = { member }
/// member = { order | axes } [ number ] code [ ":" name ":" ]
/// axes   = "(" number { "," number } ")"
/// order  = "@" | "^" | "=" | "<" | ">" | "!"
/// code   = a letter of `ItemType`, "Zf" | "Zd" | "Zg", or "T{" format "}"
/// ```
///
/// Spaces may stand before a member and behind an order. An order holds until the next one, also
/// out of and into structures, as NumPy reads it. Nothing is repeated here however large a number
/// is: sizes are multiplied, and no size may exceed 53 bits. What has no bytes is not repeated
/// either, so that no reader counts to 2^53 for nothing. Nesting is bounded; the work is that of
/// reading the text once.
final class ItemFormatParser {
  private static final int DEPTH_MAX = 16;

  /// Stands behind the text. In it, it is no item's code.
  private static final char END = 0;

  private final String text;
  private final char[] chars;
  private int at;
  private char order = '@';

  ItemFormatParser(String text) {
    this.text = text;
    this.chars = new char[text.length() + 1];
    text.getChars(0, text.length(), chars, 0);
  }

  ItemFormat parse() throws DescriptionException {
    Layout layout = members(0);
    if (at < text.length()) {
      throw refuse("a structure ends where none has begun");
    }
    return new ItemFormat(layout.packed, layout.aligned, padded(layout, at));
  }

  /// Reads members up to the end of the text or of the structure.
  private Layout members(int depth) throws DescriptionException {
    Layout layout = new Layout();
    skipSpaces();
    while (at < text.length() && chars[at] != '}') {
      member(layout, depth);
      skipSpaces();
    }
    return layout;
  }

  private void member(Layout into, int depth) throws DescriptionException {
    int start = at;
    long copies = prefix();
    boolean repeated = copies > 0;
    long count = isDigit() ? number() : 1;
    Layout one = item(depth);
    one.repeat(count, start);
    if (repeated && one.packed == 0) {
      throw refuse("what has no bytes is not repeated", start);
    }
    one.repeat(repeated ? copies : 1, start);
    name();
    one.alignment = order == '@' ? one.alignment : 1;
    into.append(one, start);
  }

  /// Reads orders and axes. Returns how many items the axes have; 0: there are none.
  private long prefix() throws DescriptionException {
    long items = 0;
    while (beginsPrefix(chars[at])) {
      if (chars[at] == '(') {
        items = times(Math.max(items, 1), axes(), at);
      } else {
        order = chars[at++];
        skipSpaces();
      }
    }
    return items;
  }

  private static boolean beginsPrefix(char next) {
    return switch (next) {
      case '(', '@', '^', '=', '<', '>', '!' -> true;
      default -> false;
    };
  }

  private long axes() throws DescriptionException {
    int start = at;
    long items = 1;
    do {
      at++;
      items = times(items, number(), start);
    } while (chars[at] == ',');
    if (items == 0) {
      throw refuse("a sub-array has 1 item or more", start);
    }
    expect(')', "a sub-array ends with a bracket", start);
    return items;
  }

  private Layout item(int depth) throws DescriptionException {
    int start = at;
    if (at == text.length()) {
      throw refuse("a format ends with an item");
    }
    if (chars[at] == 'T' && chars[at + 1] == '{') {
      at += 2;
      return structure(start, depth + 1);
    }
    boolean complex = chars[at] == 'Z' && chars[at + 1] != END;
    ItemType type = complex ? ItemType.ofComplex(chars[at + 1]) : ItemType.of(chars[at]);
    int end = complex ? at + 2 : at + 1;
    if (type == null) {
      throw refuse("no item has this code", start, Math.max(end, text.offsetByCodePoints(at, 1)));
    }
    boolean nativeSize = order == '@' || order == '^';
    if (type.isPointer()) {
      throw refuse("an item is not a pointer", start, end);
    }
    if (type.isNativeOnly() && !nativeSize) {
      throw refuse("an item has this code in native formats only", start, end);
    }
    at = end;
    return new Layout(
        nativeSize ? type.nativeBytes() : type.standardBytes(),
        order == '@' ? type.alignment() : 1);
  }

  private Layout structure(int start, int depth) throws DescriptionException {
    if (depth > DEPTH_MAX) {
      throw refuse("structures are nested at most %d deep".formatted(DEPTH_MAX), start);
    }
    Layout members = members(depth);
    expect('}', "a structure ends with a brace", start);
    if (members.packed == 0) {
      throw refuse("a structure has 1 byte or more", start);
    }
    members.aligned = padded(members, start);
    return members;
  }

  /// Only what ends in native order has padding at its end.
  private long padded(Layout members, int where) throws DescriptionException {
    return order == '@' ? members.padded(where) : members.aligned;
  }

  private void name() throws DescriptionException {
    if (chars[at] != ':') {
      return;
    }
    int start = at++;
    int end = text.indexOf(':', at);
    if (end <= at) {
      throw refuse("a name is between two colons", start);
    }
    at = end + 1;
  }

  private boolean isDigit() {
    return chars[at] >= '0' && chars[at] <= '9';
  }

  private long number() throws DescriptionException {
    int start = at;
    long value = 0;
    while (isDigit()) {
      value = sum(times(value, 10, start), chars[at++] - '0', start);
    }
    if (at == start) {
      throw refuse("a number has digits");
    }
    return value;
  }

  private void expect(char end, String rule, int start) throws DescriptionException {
    if (chars[at] != end) {
      throw refuse(rule, start);
    }
    at++;
  }

  private void skipSpaces() {
    while (chars[at] == ' ') {
      at++;
    }
  }

  private DescriptionException refuse(String rule) {
    return refuse(rule, at);
  }

  private static DescriptionException refuse(String rule, int where) {
    return new DescriptionException("%s: format_at=%d".formatted(rule, where));
  }

  private DescriptionException refuse(String rule, int where, int end) {
    return new DescriptionException(
        "%s: code=%s format_at=%d"
            .formatted(rule, Names.printable(text.substring(where, end)), where));
  }

  private static long times(long a, long b, int where) throws DescriptionException {
    if (b != 0 && a > Limits.SEQ_MAX / b) {
      throw tooLarge(where);
    }
    return a * b;
  }

  private static long sum(long a, long b, int where) throws DescriptionException {
    if (a > Limits.SEQ_MAX - b) {
      throw tooLarge(where);
    }
    return a + b;
  }

  private static DescriptionException tooLarge(int where) {
    return new DescriptionException(
        "an item has at most %d bytes: format_at=%d".formatted(Limits.SEQ_MAX, where));
  }

  /// Members one behind the other, without and with padding between them.
  private static final class Layout {
    private long packed;
    private long aligned;
    private long alignment = 1;

    private Layout() {}

    private Layout(long bytes, long alignment) {
      this.packed = bytes;
      this.aligned = bytes;
      this.alignment = alignment;
    }

    private void repeat(long count, int where) throws DescriptionException {
      if (count != 1) {
        packed = times(packed, count, where);
        aligned = times(aligned, count, where);
      }
    }

    private void append(Layout member, int where) throws DescriptionException {
      packed = sum(packed, member.packed, where);
      aligned = sum(padded(aligned, member.alignment, where), member.aligned, where);
      alignment = Math.max(alignment, member.alignment);
    }

    private long padded(int where) throws DescriptionException {
      return padded(aligned, alignment, where);
    }

    private static long padded(long bytes, long alignment, int where) throws DescriptionException {
      return sum(bytes, -bytes & (alignment - 1), where);
    }
  }
}
