package dev.sealbuf.client;

import dev.sealbuf.protocol.NameException;
import dev.sealbuf.protocol.Names;

/// Names as users give them, checked before anything is sent.
final class Checked {
  private Checked() {}

  static String name(String name) {
    utf8(name);
    return name;
  }

  static byte[] utf8(String name) {
    try {
      return Names.utf8(name);
    } catch (NameException e) {
      throw new InvalidNameException(e.getMessage());
    }
  }

  static String prefix(String prefix) {
    try {
      Names.prefix(prefix);
      return prefix;
    } catch (NameException e) {
      throw new InvalidNameException(e.getMessage());
    }
  }
}
