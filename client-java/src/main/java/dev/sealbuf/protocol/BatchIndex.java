package dev.sealbuf.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;

/// Which bytes of a batch are which buffer.
///
/// In `put_many` the bytes follow one another, so the index says lengths: `["name",5]`. In
/// `seal_many` they lie where the producer put them: `["name",64,5]`. A description may follow.
/// Names, places and descriptions are not judged here.
public final class BatchIndex {
  /// One buffer of a batch.
  ///
  /// @param offset first byte of the buffer in the bytes of the batch, or in its segment
  public record Entry(String name, long offset, long nbytes, Optional<Description> description) {
    /// That nobody described.
    public Entry(String name, long offset, long nbytes) {
      this(name, offset, nbytes, Optional.empty());
    }
  }

  private BatchIndex() {}

  /// For `put_many`; the offsets are not written.
  public static ByteBuffer writeLengths(List<Entry> entries) {
    return JsonRows.write(
        entries,
        (json, entry) -> {
          json.writeStartArray();
          json.writeString(entry.name);
          json.writeNumber(entry.nbytes);
          end(json, entry);
        });
  }

  /// Of `put_many`; offsets are counted from the first byte behind the index.
  public static List<Entry> readLengths(ByteBuffer index, int count) throws HeadException {
    List<Entry> entries = new ArrayList<>(count);
    long offset = 0;
    for (Entry entry : JsonRows.read(index, count, BatchIndex::length)) {
      entries.add(new Entry(entry.name, offset, entry.nbytes, entry.description));
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
          end(json, entry);
        });
  }

  /// Of `seal_many`.
  public static List<Entry> readPlaces(ByteBuffer index, int count) throws HeadException {
    return JsonRows.read(
        index,
        count,
        json -> {
          JsonRows.begin(json);
          return new Entry(
              JsonRows.string(json),
              JsonRows.natural(json),
              JsonRows.natural(json),
              JsonRows.endWithDescription(json));
        });
  }

  private static Entry length(JsonParser json) throws HeadException {
    JsonRows.begin(json);
    return new Entry(
        JsonRows.string(json), 0, JsonRows.natural(json), JsonRows.endWithDescription(json));
  }

  private static void end(JsonGenerator json, Entry entry) {
    entry.description.ifPresent(description -> {
      json.writeStartObject();
      Descriptions.write(json, description);
      json.writeEndObject();
    });
    json.writeEndArray();
  }
}
