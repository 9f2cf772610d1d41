package dev.sealbuf.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JsonParser;

/// Which bytes of a batch are which buffer.
///
/// In `put_many` the bytes follow one another, so the index says lengths: `["name",5]`. In
/// `seal_many` they lie where the producer put them: `["name",64,5]`. Names and places are not
/// judged here.
public final class BatchIndex {
  /// One buffer of a batch.
  ///
  /// @param offset first byte of the buffer in the bytes of the batch, or in its segment
  public record Entry(String name, long offset, long nbytes) {}

  private BatchIndex() {}

  /// For `put_many`; the offsets are not written.
  public static ByteBuffer writeLengths(List<Entry> entries) {
    return JsonRows.write(
        entries,
        (json, entry) -> {
          json.writeStartArray();
          json.writeString(entry.name);
          json.writeNumber(entry.nbytes);
          json.writeEndArray();
        });
  }

  /// Of `put_many`; offsets are counted from the first byte behind the index.
  public static List<Entry> readLengths(ByteBuffer index, int count) throws HeadException {
    List<Entry> entries = new ArrayList<>(count);
    long offset = 0;
    for (Entry entry : JsonRows.read(index, count, BatchIndex::length)) {
      entries.add(new Entry(entry.name, offset, entry.nbytes));
      offset += entry.nbytes;
    }
    return entries;
  }

  /// For `seal_many`.
  public static ByteBuffer writePlaces(List<Entry> entries) {
    return JsonRows.write(
        entries,
        (json, entry) -> {
          json.writeStartArray();
          json.writeString(entry.name);
          json.writeNumber(entry.offset);
          json.writeNumber(entry.nbytes);
          json.writeEndArray();
        });
  }

  /// Of `seal_many`.
  public static List<Entry> readPlaces(ByteBuffer index, int count) throws HeadException {
    return JsonRows.read(
        index,
        count,
        json -> {
          JsonRows.begin(json);
          Entry entry =
              new Entry(JsonRows.string(json), JsonRows.natural(json), JsonRows.natural(json));
          JsonRows.end(json);
          return entry;
        });
  }

  private static Entry length(JsonParser json) throws HeadException {
    JsonRows.begin(json);
    Entry entry = new Entry(JsonRows.string(json), 0, JsonRows.natural(json));
    JsonRows.end(json);
    return entry;
  }
}
