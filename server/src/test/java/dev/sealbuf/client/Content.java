package dev.sealbuf.client;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// The bytes for a seed, by `protocol/README.md`: block i of 32 bytes is the SHA-256 of `seed:i`.
final class Content {
  private Content() {}

  static void fill(MemorySegment target, String seed) {
    MessageDigest digest = sha256();
    int block = digest.getDigestLength();
    for (long at = 0; at < target.byteSize(); at += block) {
      byte[] bytes = digest.digest((seed + ":" + at / block).getBytes(StandardCharsets.US_ASCII));
      int length = (int) Math.min(block, target.byteSize() - at);
      MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, at, length);
    }
  }

  static byte[] of(String seed, int nbytes) {
    byte[] bytes = new byte[nbytes];
    fill(MemorySegment.ofArray(bytes), seed);
    return bytes;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
