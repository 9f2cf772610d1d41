package dev.sealbuf.server.store;

import dev.sealbuf.protocol.RecordPlaces;
import java.util.List;

/// Buffers that everybody can see now, as `published_many` announces them. Ids and versions are
/// those of the first; the others follow in steps of one.
public record BatchPublication(
    long buffer, long version, long created, List<RecordPlaces.Place> places) {

  public BatchPublication {
    places = List.copyOf(places);
  }
}
