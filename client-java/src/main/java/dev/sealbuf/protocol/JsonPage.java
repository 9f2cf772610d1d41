package dev.sealbuf.protocol;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;

/// A payload that is a page of a longer list: a JSON array of objects, built entry by entry until
/// the page is full.
///
/// Each entry is encoded by itself, so that it is known to fit before it is appended.
final class JsonPage {
  private final ByteArrayOutputStream page = new ByteArrayOutputStream();
  private int count;

  /// Makes an entry of an object's fields.
  @FunctionalInterface
  interface Entry<T> {
    T of(HeadFields fields) throws HeadException;
  }

  JsonPage() {
    page.write('[');
  }

  /// Appends an object; false when the page has no room for it.
  boolean add(Consumer<JsonGenerator> fields) {
    byte[] encoded = encode(fields);
    int separator = count == 0 ? 0 : 1;
    if (count == Limits.LIST_MAX || page.size() + separator + encoded.length >= Limits.PAGE_MAX) {
      return false;
    }
    if (separator > 0) {
      page.write(',');
    }
    page.writeBytes(encoded);
    count++;
    return true;
  }

  int count() {
    return count;
  }

  /// The array as it stands now.
  ByteBuffer bytes() {
    return ByteBuffer.allocate(page.size() + 1).put(page.toByteArray()).put((byte) ']').flip();
  }

  /// Reads a page; unknown fields are ignored.
  static <T> List<T> read(ByteBuffer payload, Entry<T> entry) throws HeadException {
    byte[] bytes = new byte[payload.remaining()];
    payload.get(payload.position(), bytes);
    List<T> entries = new ArrayList<>();
    try (JsonParser json = Json.FACTORY.createParser(ObjectReadContext.empty(), bytes)) {
      boolean array = json.nextToken() == JsonToken.START_ARRAY;
      while (array && json.nextToken() == JsonToken.START_OBJECT) {
        entries.add(entry.of(HeadFields.read(json)));
      }
      if (!array || json.currentToken() != JsonToken.END_ARRAY || json.nextToken() != null) {
        throw new HeadException(0, "page is not one JSON array of objects");
      }
      return entries;
    } catch (JacksonException e) {
      throw new HeadException(0, HeadFields.syntax(e));
    }
  }

  private static byte[] encode(Consumer<JsonGenerator> fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = Json.FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
      json.writeStartObject();
      fields.accept(json);
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }
}
