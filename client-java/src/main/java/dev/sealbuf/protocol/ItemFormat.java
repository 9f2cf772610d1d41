package dev.sealbuf.protocol;

/// What a format says about the size of an item.
///
/// In a native format the size depends on who wrote it: some leave out the padding that the
/// machine's alignment asks for, `struct` pads between members only, C and NumPy also behind the
/// last one. All three are known here; in other formats they are the same.
///
/// @param packedBytes without padding
/// @param alignedBytes with padding between members
/// @param paddedBytes with padding between members and behind the last
public record ItemFormat(long packedBytes, long alignedBytes, long paddedBytes) {
  /// Reads a format; the syntax and the sizes are those of [ItemFormatParser].
  public static ItemFormat parse(String format) throws DescriptionException {
    return new ItemFormatParser(format).parse();
  }

  public boolean canHave(long bytes) {
    return bytes == packedBytes || bytes == alignedBytes || bytes == paddedBytes;
  }

  /// The sizes that it may have, for a message.
  String sizes() {
    StringBuilder sizes = new StringBuilder().append(packedBytes);
    if (alignedBytes != packedBytes) {
      sizes.append('|').append(alignedBytes);
    }
    if (paddedBytes != alignedBytes) {
      sizes.append('|').append(paddedBytes);
    }
    return sizes.toString();
  }
}
