package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.NameException;
import dev.sealbuf.protocol.NameHash;
import dev.sealbuf.protocol.Names;
import java.nio.charset.StandardCharsets;

/// A name that was checked, with its bytes and their hash. Two are the same when their bytes are.
final class Name implements Comparable<Name> {
  private final String text;
  private final byte[] utf8;
  private final int hash;

  private Name(String text, byte[] utf8) {
    this.text = text;
    this.utf8 = utf8;
    this.hash = NameHash.of(utf8);
  }

  static Name of(String text) throws Refusal {
    try {
      return new Name(text, Names.utf8(text));
    } catch (NameException e) {
      throw new Refusal(ErrorCode.INVALID_NAME, e.getMessage());
    }
  }

  /// Of a record: it was checked when it was published.
  static Name of(BufferRecord record) {
    return new Name(record.name(), record.name().getBytes(StandardCharsets.UTF_8));
  }

  String text() {
    return text;
  }

  /// Not to be changed.
  byte[] utf8() {
    return utf8;
  }

  /// By `protocol/LAYOUT.md`: decides table, home and tag.
  int hash() {
    return hash;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Name name && name.text.equals(text);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  /// Any order will do: with it, a hash table withstands names that were made to collide.
  @Override
  public int compareTo(Name other) {
    return text.compareTo(other.text);
  }

  @Override
  public String toString() {
    return Names.printable(text);
  }
}
