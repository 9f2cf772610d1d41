package dev.sealbuf.protocol;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;

/// A payload that is one JSON array of rows of the same kind, with a number of rows that the head
/// states.
final class JsonRows {
  private static final int USUAL_BYTES = 8192;

  /// Reads the row that begins with the token the parser has just passed.
  @FunctionalInterface
  interface Row<T> {
    T read(JsonParser json) throws HeadException;
  }

  private JsonRows() {}

  static <T> ByteBuffer write(List<T> rows, BiConsumer<JsonGenerator, T> row) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(USUAL_BYTES);
    try (JsonGenerator json = Json.FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
      json.writeStartArray();
      rows.forEach(each -> row.accept(json, each));
      json.writeEndArray();
    }
    return ByteBuffer.wrap(bytes.toByteArray());
  }

  static <T> List<T> read(ByteBuffer payload, int count, Row<T> row) throws HeadException {
    byte[] bytes = new byte[payload.remaining()];
    payload.get(payload.position(), bytes);
    List<T> rows = new ArrayList<>(count);
    try (JsonParser json = Json.FACTORY.createParser(ObjectReadContext.empty(), bytes)) {
      if (json.nextToken() != JsonToken.START_ARRAY) {
        throw new HeadException(0, "payload is not a JSON array");
      }
      while (rows.size() < count && json.nextToken() != JsonToken.END_ARRAY) {
        rows.add(row.read(json));
      }
      boolean ended = rows.size() < count || json.nextToken() == JsonToken.END_ARRAY;
      if (!ended || rows.size() < count || json.nextToken() != null) {
        throw new HeadException(
            0, "payload is not an array of that length, with nothing behind it: count=" + count);
      }
      return rows;
    } catch (JacksonException e) {
      throw new HeadException(0, HeadFields.syntax(e));
    }
  }

  /// Begins a row that is itself an array.
  static void begin(JsonParser json) throws HeadException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw new HeadException(0, "row is not a JSON array");
    }
  }

  static void end(JsonParser json) throws HeadException {
    if (json.nextToken() != JsonToken.END_ARRAY) {
      throw tooMany();
    }
  }

  /// Ends a row whose last item may be a description.
  static Optional<Description> endWithDescription(JsonParser json) throws HeadException {
    if (json.nextToken() == JsonToken.START_OBJECT) {
      HeadFields fields = HeadFields.read(json);
      Description description = Descriptions.require(fields);
      fields.refuseUnknown();
      end(json);
      return Optional.of(description);
    }
    if (json.currentToken() != JsonToken.END_ARRAY) {
      throw tooMany();
    }
    return Optional.empty();
  }

  private static HeadException tooMany() {
    return new HeadException(0, "row has too many items");
  }

  static String string(JsonParser json) throws HeadException {
    if (json.nextToken() != JsonToken.VALUE_STRING) {
      throw new HeadException(0, "item of a row must be a string");
    }
    return json.getString();
  }

  static long natural(JsonParser json) throws HeadException {
    boolean integer = json.nextToken() == JsonToken.VALUE_NUMBER_INT;
    boolean fits =
        integer
            && switch (json.getNumberType()) {
              case INT, LONG -> json.getLongValue() >= 0 && json.getLongValue() <= Limits.SEQ_MAX;
              case BIG_INTEGER, FLOAT, DOUBLE, BIG_DECIMAL -> false;
            };
    if (!fits) {
      throw new HeadException(0, "item of a row must be an integer of at most 53 bits from 0 on");
    }
    return json.getLongValue();
  }
}
