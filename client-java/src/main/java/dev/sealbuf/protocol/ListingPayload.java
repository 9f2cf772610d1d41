package dev.sealbuf.protocol;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;

/// The payload of a listing: a JSON array of buffers, built entry by entry until the page is full.
///
/// Each entry is encoded by itself, so that it is known to fit before it is appended.
public final class ListingPayload {
  private final ByteArrayOutputStream page = new ByteArrayOutputStream();
  private int count;

  /// One published buffer.
  ///
  /// @param created microseconds since 1970
  public record Entry(
      String name,
      long buffer,
      long version,
      long nbytes,
      String format,
      List<Long> shape,
      long owner,
      long created) {
    public Entry {
      shape = List.copyOf(shape);
    }
  }

  public ListingPayload() {
    page.write('[');
  }

  /// Appends an entry; false when the page has no room for it.
  public boolean add(Entry entry) {
    byte[] encoded = encode(entry);
    int separator = count == 0 ? 0 : 1;
    if (count == Limits.LIST_MAX
        || page.size() + separator + encoded.length + 1 > Limits.PAYLOAD_MAX) {
      return false;
    }
    if (separator > 0) {
      page.write(',');
    }
    page.writeBytes(encoded);
    count++;
    return true;
  }

  public int count() {
    return count;
  }

  /// The array as it stands now.
  public ByteBuffer bytes() {
    return ByteBuffer.allocate(page.size() + 1).put(page.toByteArray()).put((byte) ']').flip();
  }

  /// Reads a page; unknown fields are ignored.
  public static List<Entry> read(ByteBuffer payload) throws HeadException {
    byte[] bytes = new byte[payload.remaining()];
    payload.get(payload.position(), bytes);
    List<Entry> entries = new ArrayList<>();
    try (JsonParser json = Json.FACTORY.createParser(ObjectReadContext.empty(), bytes)) {
      boolean array = json.nextToken() == JsonToken.START_ARRAY;
      while (array && json.nextToken() == JsonToken.START_OBJECT) {
        entries.add(entry(HeadFields.read(json)));
      }
      if (!array || json.currentToken() != JsonToken.END_ARRAY || json.nextToken() != null) {
        throw new HeadException(0, "listing is not one JSON array of objects");
      }
      return entries;
    } catch (JacksonException e) {
      throw new HeadException(0, HeadFields.syntax(e));
    }
  }

  private static Entry entry(HeadFields fields) throws HeadException {
    return new Entry(
        fields.string("name"),
        natural(fields, "buffer"),
        natural(fields, "version"),
        natural(fields, "nbytes"),
        fields.string("format"),
        fields.integers("shape"),
        natural(fields, "owner"),
        natural(fields, "created"));
  }

  private static long natural(HeadFields fields, String field) throws HeadException {
    return fields.integer(field, 0, Limits.SEQ_MAX);
  }

  private static byte[] encode(Entry entry) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = Json.FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
      json.writeStartObject();
      json.writeStringProperty("name", entry.name);
      json.writeNumberProperty("buffer", entry.buffer);
      json.writeNumberProperty("version", entry.version);
      json.writeNumberProperty("nbytes", entry.nbytes);
      json.writeStringProperty("format", entry.format);
      json.writeArrayPropertyStart("shape");
      entry.shape.forEach(json::writeNumber);
      json.writeEndArray();
      json.writeNumberProperty("owner", entry.owner);
      json.writeNumberProperty("created", entry.created);
      json.writeEndObject();
    }
    return bytes.toByteArray();
  }
}
