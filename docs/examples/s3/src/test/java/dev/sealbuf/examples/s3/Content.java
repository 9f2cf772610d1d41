package dev.sealbuf.examples.s3;

import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SplittableRandom;

/// An object's bytes, as many as wanted, none of them kept: the same for the same seed.
final class Content extends InputStream {
  private final SplittableRandom random;
  private final MessageDigest digest = newDigest();
  private long left;

  Content(long seed, long nbytes) {
    random = new SplittableRandom(seed);
    left = nbytes;
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) {
    if (left == 0) {
      return -1;
    }
    byte[] bytes = new byte[(int) Math.min(length, left)];
    random.nextBytes(bytes);
    System.arraycopy(bytes, 0, target, offset, bytes.length);
    digest.update(bytes);
    left -= bytes.length;
    return bytes.length;
  }

  /// Of what was read.
  String sha256() {
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every JDK has it
    }
  }
}
