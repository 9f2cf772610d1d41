package dev.sealbuf.protocol;

import java.nio.ByteBuffer;
import java.util.List;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonToken;

/// The payload of `delete_many`: a JSON array of names, which are not judged here.
public final class NameList {
  private NameList() {}

  public static ByteBuffer write(List<String> names) {
    return JsonRows.write(names, JsonGenerator::writeString);
  }

  public static List<String> read(ByteBuffer payload, int count) throws HeadException {
    return JsonRows.read(
        payload,
        count,
        json -> {
          if (json.currentToken() != JsonToken.VALUE_STRING) {
            throw new HeadException(0, "name must be a string");
          }
          return json.getString();
        });
  }
}
