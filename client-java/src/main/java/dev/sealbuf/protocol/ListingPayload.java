package dev.sealbuf.protocol;

import static dev.sealbuf.protocol.Limits.SEQ_MAX;

import java.nio.ByteBuffer;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/// The payload of a listing: a page of buffers.
public final class ListingPayload {
  private final JsonPage page;

  /// An empty page.
  public ListingPayload() {
    page = new JsonPage();
  }

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

    private static Entry of(HeadFields fields) throws HeadException {
      return new Entry(
          fields.string("name"),
          fields.integer("buffer", 0, SEQ_MAX),
          fields.integer("version", 0, SEQ_MAX),
          fields.integer("nbytes", 0, SEQ_MAX),
          fields.string("format"),
          fields.integers("shape"),
          fields.integer("owner", 0, SEQ_MAX),
          fields.integer("created", 0, SEQ_MAX));
    }

    private void write(JsonGenerator json) {
      json.writeStringProperty("name", name);
      json.writeNumberProperty("buffer", buffer);
      json.writeNumberProperty("version", version);
      json.writeNumberProperty("nbytes", nbytes);
      json.writeStringProperty("format", format);
      json.writeArrayPropertyStart("shape");
      shape.forEach(json::writeNumber);
      json.writeEndArray();
      json.writeNumberProperty("owner", owner);
      json.writeNumberProperty("created", created);
    }
  }

  /// Appends an entry; false when the page has no room for it.
  public boolean add(Entry entry) {
    return page.add(entry::write);
  }

  public int count() {
    return page.count();
  }

  /// The array as it stands now.
  public ByteBuffer bytes() {
    return page.bytes();
  }

  /// Reads a page; unknown fields are ignored.
  public static List<Entry> read(ByteBuffer payload) throws HeadException {
    return JsonPage.read(payload, Entry::of);
  }
}
