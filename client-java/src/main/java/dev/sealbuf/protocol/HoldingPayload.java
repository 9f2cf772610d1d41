package dev.sealbuf.protocol;

import static dev.sealbuf.protocol.Limits.SEQ_MAX;

import java.nio.ByteBuffer;
import java.util.List;
import tools.jackson.core.JsonGenerator;

/// The payload of `holding`: a page of who was handed which segment.
public final class HoldingPayload {
  private final JsonPage page;

  /// An empty page.
  public HoldingPayload() {
    page = new JsonPage();
  }

  /// One session and one segment.
  ///
  /// @param kind `catalog`, `slab` or `dedicated`
  /// @param nbytes of the segment
  /// @param name of the buffer in a dedicated segment; empty for one that several share
  /// @param deleted whether no name leads to it any more
  /// @param session 0, like uid and pid, when nobody is known
  /// @param state `mapped`, `may hold`, `gone` or `unknown`, as PROTOCOL.md says
  public record Row(
      String kind,
      long segment,
      long nbytes,
      String name,
      boolean deleted,
      long session,
      long uid,
      long pid,
      String client,
      String state) {
    private static Row of(HeadFields fields) throws HeadException {
      return new Row(
          fields.string("kind"),
          fields.integer("segment", 0, SEQ_MAX),
          fields.integer("nbytes", 0, SEQ_MAX),
          fields.string("name"),
          fields.flag("deleted"),
          fields.integer("session", 0, SEQ_MAX),
          fields.integer("uid", 0, SEQ_MAX),
          fields.integer("pid", 0, SEQ_MAX),
          fields.string("client"),
          fields.string("state"));
    }

    private void write(JsonGenerator json) {
      json.writeStringProperty("kind", kind);
      json.writeNumberProperty("segment", segment);
      json.writeNumberProperty("nbytes", nbytes);
      json.writeStringProperty("name", name);
      json.writeBooleanProperty("deleted", deleted);
      json.writeNumberProperty("session", session);
      json.writeNumberProperty("uid", uid);
      json.writeNumberProperty("pid", pid);
      json.writeStringProperty("client", client);
      json.writeStringProperty("state", state);
    }
  }

  /// Appends a row; false when the page has no room for it.
  public boolean add(Row row) {
    return page.add(row::write);
  }

  public int count() {
    return page.count();
  }

  /// The array as it stands now.
  public ByteBuffer bytes() {
    return page.bytes();
  }

  /// Reads a page; unknown fields are ignored.
  public static List<Row> read(ByteBuffer payload) throws HeadException {
    return JsonPage.read(payload, Row::of);
  }
}
