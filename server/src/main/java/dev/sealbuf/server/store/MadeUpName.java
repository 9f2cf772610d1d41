package dev.sealbuf.server.store;

import dev.sealbuf.protocol.Limits;

/// Names that the store makes up: `buffer-N`. The number stands for the name where very many are
/// remembered. Anybody may choose a name like that too; only who made it up knows.
final class MadeUpName {
  private static final String START = "buffer-";
  private static final int DIGITS_MAX = Long.toString(Limits.SEQ_MAX).length();

  private MadeUpName() {}

  static Name of(long number) throws Refusal {
    return Name.of(START + number);
  }

  /// The number of a name like that, 0 of any other.
  static long number(String name) {
    int digits = name.length() - START.length();
    if (!name.startsWith(START) || digits < 1 || digits > DIGITS_MAX) {
      return 0;
    }
    long number = 0;
    for (int i = START.length(); i < name.length(); i++) {
      int digit = name.charAt(i) - '0';
      if (digit < 0 || digit > 9) {
        return 0;
      }
      number = 10 * number + digit;
    }
    return name.charAt(START.length()) == '0' ? 0 : number;
  }
}
