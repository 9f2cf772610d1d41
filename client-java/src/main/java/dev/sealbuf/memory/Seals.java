package dev.sealbuf.memory;

import java.util.StringJoiner;

/// A set of memfd seals: what can never again be done to a memory file, by anybody.
///
/// `toString` reads `WRITE|SHRINK|GROW|SEAL`.
///
/// @param bits as in F_GET_SEALS
public record Seals(int bits) {
  public static final Seals NONE = new Seals(0);

  /// No further seals.
  public static final Seals SEAL = new Seals(0x1);

  /// The file keeps at least its size.
  public static final Seals SHRINK = new Seals(0x2);

  /// The file keeps at most its size.
  public static final Seals GROW = new Seals(0x4);

  /// No writes. Refused (EBUSY) while a mapping that is or may become writable lives, or a page is
  /// in flight.
  public static final Seals WRITE = new Seals(0x8);

  /// No writes but through the mappings that are writable already.
  public static final Seals FUTURE_WRITE = new Seals(0x10);

  /// The execute bits of the mode stay; a memory file made with MFD_NOEXEC_SEAL has it from birth.
  public static final Seals EXEC = new Seals(0x20);

  private static final String[] NAMES = {"SEAL", "SHRINK", "GROW", "WRITE", "FUTURE_WRITE", "EXEC"};

  /// For reading: what matters most comes first.
  private static final int[] ORDER = {3, 4, 1, 2, 0, 5};

  public static Seals of(Seals... seals) {
    int bits = 0;
    for (Seals one : seals) {
      bits |= one.bits;
    }
    return new Seals(bits);
  }

  public boolean contains(Seals others) {
    return (bits & others.bits) == others.bits;
  }

  /// Whether this is `expected` and nothing more or less, EXEC aside: whether a file carries EXEC
  /// depends on the kernel it was made on (6.3 has MFD_NOEXEC_SEAL), not on what was done to it,
  /// and it guards the mode, not the bytes.
  public boolean isExactly(Seals expected) {
    return (bits | EXEC.bits) == (expected.bits | EXEC.bits);
  }

  @Override
  public String toString() {
    if (bits == 0) {
      return "NONE";
    }
    StringJoiner text = new StringJoiner("|");
    int unnamed = bits;
    for (int index : ORDER) {
      if ((bits & 1 << index) != 0) {
        text.add(NAMES[index]);
        unnamed &= ~(1 << index);
      }
    }
    if (unnamed != 0) {
      text.add("0x" + Integer.toHexString(unnamed));
    }
    return text.toString();
  }
}
