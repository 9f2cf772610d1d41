package dev.sealbuf.protocol;

import java.util.zip.CRC32;

/// The hash of a name, CRC-32 of its UTF-8 bytes, and what its bits choose.
///
/// It is not keyed: every reader would know the key. The window of 32 words is what makes
/// collisions harmless.
public final class NameHash {
  private static final int TABLE_SHIFT = 24;
  private static final int TAG_SHIFT = 12;

  private NameHash() {}

  public static int of(byte[] name) {
    CRC32 crc = new CRC32();
    crc.update(name);
    return (int) crc.getValue();
  }

  /// Bits 24 to 31: the table.
  public static int table(int hash) {
    return hash >>> TABLE_SHIFT;
  }

  /// Bits 12 to 23: kept in the table word.
  public static int tag(int hash) {
    return (int) (hash >>> TAG_SHIFT & Bits.mask(TableWord.TAG_BITS));
  }

  /// The low bits: the slot where the search begins.
  public static long home(int hash, int log2Slots) {
    return hash & Bits.mask(log2Slots);
  }
}
