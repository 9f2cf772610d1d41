package dev.sealbuf.server.verify;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.zip.CRC32;

/// The bytes of a buffer, which follow from a seed: SHA-256 of the seed and a counter (big-endian,
/// 8 and 4 bytes), 1021 digests of it, again and again to the end. That length is no multiple of a
/// page, so pages within 4 MiB differ. `sealbuf._verify` makes the same.
final class Content {
  private static final int DIGEST = 32;
  private static final int TILE = 1021 * DIGEST;

  private final byte[] tile;
  private final long nbytes;

  Content(long seed, long nbytes) {
    this.tile = tile(seed, (int) Math.min(nbytes, TILE));
    this.nbytes = nbytes;
  }

  private static byte[] tile(long seed, int nbytes) {
    MessageDigest sha = sha256();
    byte[] tile = new byte[nbytes];
    ByteBuffer input = ByteBuffer.allocate(Long.BYTES + Integer.BYTES).putLong(0, seed);
    for (int at = 0; at < nbytes; at += DIGEST) {
      byte[] digest = sha.digest(input.putInt(Long.BYTES, at / DIGEST).array());
      System.arraycopy(digest, 0, tile, at, Math.min(DIGEST, nbytes - at));
    }
    return tile;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every JDK has SHA-256", e);
    }
  }

  void writeTo(MemorySegment memory) {
    for (long at = 0; at < nbytes; at += tile.length) {
      MemorySegment.copy(MemorySegment.ofArray(tile), 0, memory, at, partAt(at));
    }
  }

  byte[] toByteArray() {
    byte[] bytes = new byte[Math.toIntExact(nbytes)];
    writeTo(MemorySegment.ofArray(bytes));
    return bytes;
  }

  long crc32() {
    CRC32 sum = new CRC32();
    for (long at = 0; at < nbytes; at += tile.length) {
      sum.update(tile, 0, partAt(at));
    }
    return sum.getValue();
  }

  private int partAt(long at) {
    return (int) Math.min(tile.length, nbytes - at);
  }

  static long crc32(MemorySegment memory) {
    CRC32 sum = new CRC32();
    sum.update(memory.asByteBuffer());
    return sum.getValue();
  }
}
