package dev.sealbuf.server.store;

import dev.sealbuf.protocol.NameHash;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/// Names that all belong to one table, so that a few thousand make it grow.
final class NamesOfTable {
  private NamesOfTable() {}

  static List<String> of(int table, int count) {
    return IntStream.range(0, Integer.MAX_VALUE)
        .mapToObj(i -> "name-" + i)
        .filter(name -> table(name) == table)
        .limit(count)
        .toList();
  }

  static int table(String name) {
    return NameHash.table(NameHash.of(name.getBytes(StandardCharsets.UTF_8)));
  }
}
