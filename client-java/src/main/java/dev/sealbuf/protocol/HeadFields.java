package dev.sealbuf.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;

/// The fields of one JSON object, read strictly and handed out once each.
///
/// The whole object is parsed before any field is asked for, so that an error can name the request
/// it belongs to wherever `seq` stands. Values are [Long], [String], [Boolean], a [List] (a shape)
/// or a flat [Map] (the figures of `stats`); anything else is only marked, and refused when a field
/// is asked for it. What is left when all known fields were taken is unknown: refused in requests,
/// ignored in replies.
final class HeadFields {
  /// Stands for a value of a type that no field has: null, a fraction, more than 64 bits.
  private static final Object OTHER = new Object();

  private final Map<String, Object> values = new LinkedHashMap<>();
  private long seq;

  private HeadFields() {}

  /// Reads a head, which is one object and nothing else.
  static HeadFields parse(ByteBuffer head) throws HeadException {
    HeadFields fields = new HeadFields();
    try (JsonParser json = Json.FACTORY.createParser(ObjectReadContext.empty(), text(head))) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw fields.refuse("head is not a JSON object");
      }
      fields.readInto(fields.values, json, true);
      if (json.nextToken() != null) {
        throw fields.refuse("head has something behind the object");
      }
      return fields;
    } catch (CharacterCodingException _) {
      throw fields.refuse("head is not valid UTF-8");
    } catch (JacksonException e) {
      throw fields.refuse(syntax(e));
    }
  }

  /// Decoded here, because Jackson takes overlong forms: heads of different bytes would then carry
  /// the same name.
  private static String text(ByteBuffer head) throws CharacterCodingException {
    return UTF_8.newDecoder().decode(head.duplicate()).toString();
  }

  /// Reads an object whose first brace the parser has just passed.
  static HeadFields read(JsonParser json) {
    HeadFields fields = new HeadFields();
    fields.readInto(fields.values, json, true);
    return fields;
  }

  boolean has(String field) {
    return values.containsKey(field);
  }

  String string(String field) throws HeadException {
    return optionalString(field).orElseThrow(() -> missing(field));
  }

  Optional<String> optionalString(String field) throws HeadException {
    return switch (values.get(field)) {
      case null -> Optional.empty();
      case String text -> taken(field, Optional.of(text));
      case Object _ -> throw refuse("field must be a string: field=" + field);
    };
  }

  long integer(String field, long min, long max) throws HeadException {
    return optionalInteger(field, min, max).orElseThrow(() -> missing(field));
  }

  OptionalLong optionalInteger(String field, long min, long max) throws HeadException {
    return switch (values.get(field)) {
      case null -> OptionalLong.empty();
      case Long value when value >= min && value <= max -> taken(field, OptionalLong.of(value));
      case Long value ->
          throw refuse(
              "integer out of bounds: field=%s value=%d min=%d max=%d"
                  .formatted(field, value, min, max));
      case Object _ -> throw refuse("field must be an integer of at most 53 bits: field=" + field);
    };
  }

  /// A boolean; absent means false.
  boolean flag(String field) throws HeadException {
    return switch (values.get(field)) {
      case null -> false;
      case Boolean value -> taken(field, value);
      case Object _ -> throw refuse("field must be true or false: field=" + field);
    };
  }

  List<Long> integers(String field) throws HeadException {
    if (values.remove(field) instanceof List<?> list
        && list.stream().allMatch(Long.class::isInstance)) {
      return list.stream().map(Long.class::cast).toList();
    }
    throw refuse("field must be an array of integers: field=" + field);
  }

  /// A flat object; what is neither integer nor string in it is ignored.
  Map<String, Object> object(String field) throws HeadException {
    if (values.remove(field) instanceof Map<?, ?> map) {
      Map<String, Object> known = new LinkedHashMap<>();
      map.forEach((name, value) -> {
        if (value instanceof Long || value instanceof String) {
          known.put((String) name, value);
        }
      });
      return known;
    }
    throw refuse("field must be an object: field=" + field);
  }

  /// Refuses what no field of the table has taken.
  void refuseUnknown() throws HeadException {
    if (!values.isEmpty()) {
      throw refuse("unknown field: field=" + shown(values.keySet().iterator().next()));
    }
  }

  HeadException refuse(String message) {
    return new HeadException(seq, message);
  }

  private <T> T taken(String field, T value) {
    values.remove(field);
    return value;
  }

  private HeadException missing(String field) {
    return refuse("missing field: field=" + field);
  }

  private void readInto(Map<String, Object> into, JsonParser json, boolean outermost) {
    while (json.nextToken() == JsonToken.PROPERTY_NAME) {
      String name = json.currentName();
      Object value = readValue(json, outermost);
      into.put(name, value);
      if (outermost && name.equals("seq") && value instanceof Long number) {
        seq = number > 0 && number <= Limits.SEQ_MAX ? number : 0;
      }
    }
  }

  private Object readValue(JsonParser json, boolean outermost) {
    JsonToken token = json.nextToken();
    if (token == JsonToken.VALUE_STRING) {
      return json.getString();
    }
    if (token == JsonToken.VALUE_NUMBER_INT) {
      return readInteger(json);
    }
    if (token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE) {
      return token == JsonToken.VALUE_TRUE;
    }
    if (token == JsonToken.START_ARRAY && outermost) {
      return readIntegers(json);
    }
    if (token == JsonToken.START_OBJECT && outermost) {
      Map<String, Object> inner = new LinkedHashMap<>();
      readInto(inner, json, false);
      return inner;
    }
    json.skipChildren();
    return OTHER;
  }

  /// Keeps one item more than there may be axes, so that too many are noticed and cost nothing.
  private static List<Object> readIntegers(JsonParser json) {
    List<Object> items = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      Object item = OTHER;
      if (json.currentToken() == JsonToken.VALUE_NUMBER_INT) {
        item = readInteger(json);
      } else {
        json.skipChildren();
      }
      if (items.size() <= Limits.NDIM_MAX) {
        items.add(item);
      }
    }
    return items;
  }

  private static Object readInteger(JsonParser json) {
    return switch (json.getNumberType()) {
      case INT, LONG -> json.getLongValue();
      case BIG_INTEGER, FLOAT, DOUBLE, BIG_DECIMAL -> OTHER;
    };
  }

  static String syntax(JacksonException e) {
    return "not valid JSON: reason=" + shown(String.valueOf(e.getOriginalMessage()));
  }

  private static String shown(String text) {
    return Names.printable(text);
  }
}
