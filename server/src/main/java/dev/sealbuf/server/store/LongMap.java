package dev.sealbuf.server.store;

/// Positive numbers to positive numbers in one array: 22 to 43 bytes each, where a map of objects
/// takes a hundred.
///
/// Open addressing with linear probing, up to three quarters full; key and value lie side by side,
/// and a key of 0 marks an empty slot. Who removes leaves no mark: what stands behind moves up. So
/// slots can be walked while entries are removed, but a walk must look again at the slot it is at,
/// and go round until it has met all it is after.
final class LongMap {
  private static final int FEWEST = 8;

  /// Spreads consecutive numbers: 2^64 divided by the golden ratio.
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  private long[] entries = new long[2 * FEWEST];
  private int size;

  int size() {
    return size;
  }

  int slots() {
    return entries.length / 2;
  }

  /// 0 in an empty slot.
  long key(int slot) {
    return entries[2 * slot];
  }

  long value(int slot) {
    return entries[2 * slot + 1];
  }

  /// 0 when the key is not there.
  long get(long key) {
    int slot = slot(key);
    return key(slot) == 0 ? 0 : value(slot);
  }

  void put(long key, long value) {
    if (key <= 0 || value <= 0) {
      throw new IllegalArgumentException(
          "keys and values are positive: key=%d value=%d".formatted(key, value));
    }
    int slot = slot(key);
    if (key(slot) == 0) {
      size++;
    }
    set(slot, key, value);
    if (4 * size > 3 * slots()) {
      resize(2 * slots());
    }
  }

  /// Does nothing when the key is not there.
  void remove(long key) {
    int slot = slot(key);
    if (key(slot) == 0) {
      return;
    }
    size--;
    close(slot);
    if (slots() > FEWEST && 8 * size < slots()) {
      resize(slots() / 2);
    }
  }

  /// Empties a slot: whoever could stand in it or before it moves up, from there on in turn.
  private void close(int slot) {
    int mask = slots() - 1;
    int empty = slot;
    for (int at = (empty + 1) & mask; key(at) != 0; at = (at + 1) & mask) {
      int probed = (at - home(key(at))) & mask;
      if (probed >= ((at - empty) & mask)) {
        set(empty, key(at), value(at));
        empty = at;
      }
    }
    set(empty, 0, 0);
  }

  private void resize(int slots) {
    long[] old = entries;
    entries = new long[2 * slots];
    for (int i = 0; i < old.length; i += 2) {
      if (old[i] != 0) {
        set(slot(old[i]), old[i], old[i + 1]);
      }
    }
  }

  private void set(int slot, long key, long value) {
    entries[2 * slot] = key;
    entries[2 * slot + 1] = value;
  }

  /// Where a key is, or the empty slot where it would be.
  private int slot(long key) {
    int mask = slots() - 1;
    int slot = home(key);
    while (key(slot) != 0 && key(slot) != key) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private int home(long key) {
    return (int) ((key * SPREAD) >>> Integer.SIZE) & (slots() - 1);
  }
}
