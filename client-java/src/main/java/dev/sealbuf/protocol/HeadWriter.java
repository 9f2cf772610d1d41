package dev.sealbuf.protocol;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;

/// Writes one head, field after field in the order of the calls.
final class HeadWriter {
  private static final int USUAL_BYTES = 256;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(USUAL_BYTES);
  private final JsonGenerator json =
      Json.FACTORY.createGenerator(ObjectWriteContext.empty(), bytes);

  HeadWriter(String kind, String name, long seq) {
    json.writeStartObject();
    string(kind, name).integer("seq", seq);
  }

  HeadWriter string(String field, String value) {
    json.writeStringProperty(field, value);
    return this;
  }

  HeadWriter string(String field, Optional<String> value) {
    value.ifPresent(present -> string(field, present));
    return this;
  }

  HeadWriter integer(String field, long value) {
    json.writeNumberProperty(field, value);
    return this;
  }

  HeadWriter integer(String field, OptionalLong value) {
    value.ifPresent(present -> integer(field, present));
    return this;
  }

  /// Absent means false.
  HeadWriter flag(String field, boolean value) {
    if (value) {
      json.writeBooleanProperty(field, true);
    }
    return this;
  }

  /// The fields of a description, or none.
  HeadWriter description(Optional<Description> description) {
    description.ifPresent(present -> Descriptions.write(json, present));
    return this;
  }

  /// A flat object of integers and strings.
  HeadWriter object(String field, Map<String, Object> values) {
    json.writeObjectPropertyStart(field);
    values.forEach((name, value) -> {
      if (value instanceof Long number) {
        integer(name, number);
      } else {
        string(name, value.toString());
      }
    });
    json.writeEndObject();
    return this;
  }

  ByteBuffer end() {
    json.writeEndObject();
    json.close();
    return ByteBuffer.wrap(bytes.toByteArray());
  }
}
