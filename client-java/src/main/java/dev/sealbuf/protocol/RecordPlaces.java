package dev.sealbuf.protocol;

import java.nio.ByteBuffer;
import java.util.List;

/// The payload of `published_many`: where each record lies, `[slab, record]`.
public final class RecordPlaces {
  /// Where one record lies.
  ///
  /// @param record the byte of the slab where the record begins
  public record Place(long slab, long record) {}

  private RecordPlaces() {}

  public static ByteBuffer write(List<Place> places) {
    return JsonRows.write(
        places,
        (json, place) -> {
          json.writeStartArray();
          json.writeNumber(place.slab);
          json.writeNumber(place.record);
          json.writeEndArray();
        });
  }

  public static List<Place> read(ByteBuffer payload, int count) throws HeadException {
    return JsonRows.read(
        payload,
        count,
        json -> {
          JsonRows.begin(json);
          Place place = new Place(JsonRows.natural(json), JsonRows.natural(json));
          JsonRows.end(json);
          return place;
        });
  }
}
