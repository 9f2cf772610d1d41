package dev.sealbuf.server.store;

import dev.sealbuf.protocol.NameHash;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// Different names with the same hash, so with the same table, home and tag.
///
/// CRC-32 is linear: changing one character in a certain way changes the same bits of the hash,
/// whatever the others are. Of 48 such changes at least 16 independent combinations change nothing;
/// Gaussian elimination finds them.
final class Collisions {
  private static final int LENGTH = 48;

  /// Changes of characters, as bits, and the bits of the hash that they change together.
  private record Change(long characters, long hash) {
    Change xor(Change other) {
      return new Change(characters ^ other.characters, hash ^ other.hash);
    }
  }

  private Collisions() {}

  static List<String> names(int count) {
    List<Long> neutral = neutral();
    List<String> names = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long characters = 0;
      for (int bit = 0; bit < neutral.size(); bit++) {
        characters ^= (i >> bit & 1) == 0 ? 0 : neutral.get(bit);
      }
      names.add(name(characters));
    }
    return names;
  }

  private static List<Long> neutral() {
    List<Change> independent = new ArrayList<>();
    List<Long> neutral = new ArrayList<>();
    for (int at = 0; at < LENGTH; at++) {
      Change change = new Change(1L << at, hash(1L << at) ^ hash(0));
      for (Change known : independent) {
        Change reduced = change.xor(known);
        change = reduced.hash < change.hash ? reduced : change;
      }
      if (change.hash == 0) {
        neutral.add(change.characters);
      } else {
        independent.add(change);
      }
    }
    return neutral;
  }

  private static long hash(long characters) {
    return Integer.toUnsignedLong(
        NameHash.of(name(characters).getBytes(StandardCharsets.US_ASCII)));
  }

  private static String name(long characters) {
    StringBuilder name = new StringBuilder();
    for (int at = 0; at < LENGTH; at++) {
      name.append((characters >> at & 1) == 0 ? 'a' : 'c');
    }
    return name.toString();
  }
}
