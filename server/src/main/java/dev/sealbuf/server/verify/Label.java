package dev.sealbuf.server.verify;

import java.util.LinkedHashMap;
import java.util.Map;

/// What a buffer is to hold; it travels as the buffer's metadata, except in batches, which have
/// none.
///
/// @param seed of the [Content]
/// @param crc32 over every byte, as in zlib
record Label(String name, long seed, long nbytes, long crc32) {
  /// That there is no buffer.
  static final Label ABSENT = new Label("", 0, 0, -1);

  static Label of(String name, long seed, long nbytes) {
    return new Label(name, seed, nbytes, new Content(seed, nbytes).crc32());
  }

  String text() {
    return Lines.text(fields());
  }

  /// As a worker is told to publish it.
  Map<String, Object> order() {
    Map<String, Object> order = fields();
    order.put("label", text());
    return order;
  }

  private Map<String, Object> fields() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", name);
    fields.put("seed", seed);
    fields.put("nbytes", nbytes);
    fields.put("crc32", crc32);
    return fields;
  }

  @Override
  public String toString() {
    return equals(ABSENT)
        ? "nothing"
        : "seed=%d nbytes=%d crc32=%08x".formatted(seed, nbytes, crc32);
  }
}
