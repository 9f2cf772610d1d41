package dev.sealbuf.protocol;

import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/// A description as JSON: its fields in a head, or in an object of their own in an index.
final class Descriptions {
  private Descriptions() {}

  /// Takes the fields out of a head that may have them.
  static Optional<Description> read(HeadFields fields) throws HeadException {
    boolean any =
        fields.has("format")
            || fields.has("typestr")
            || fields.has("shape")
            || fields.has("strides");
    return any ? Optional.of(require(fields)) : Optional.empty();
  }

  /// Takes the fields out of an object that must have them.
  static Description require(HeadFields fields) throws HeadException {
    for (String field : List.of("format", "shape", "strides")) {
      if (!fields.has(field)) {
        throw fields.refuse("a description has format, shape and strides: missing=" + field);
      }
    }
    return new Description(
        fields.string("format"),
        fields.optionalString("typestr"),
        fields.integers("shape"),
        fields.integers("strides"));
  }

  /// Writes the fields into the object that the generator is in.
  static void write(JsonGenerator json, Description description) {
    json.writeStringProperty("format", description.format());
    description.typestr().ifPresent(typestr -> json.writeStringProperty("typestr", typestr));
    write(json, "shape", description.shape());
    write(json, "strides", description.strides());
  }

  private static void write(JsonGenerator json, String field, List<Long> values) {
    json.writeArrayPropertyStart(field);
    values.forEach(json::writeNumber);
    json.writeEndArray();
  }
}
