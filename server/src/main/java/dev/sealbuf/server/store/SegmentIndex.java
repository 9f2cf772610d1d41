package dev.sealbuf.server.store;

import dev.sealbuf.server.segment.SharedSegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Segments by number, in the order of their numbers, which is that in which they came.
///
/// Two arrays: finding one is a binary search that allocates nothing, and a walk can go on behind
/// one that is not there any more. Removing one moves those behind it, 8 bytes each.
final class SegmentIndex<S extends SharedSegment> {
  private final List<S> segments = new ArrayList<>();

  int size() {
    return segments.size();
  }

  /// Its number is greater than all.
  void add(S segment) {
    segments.add(segment);
  }

  void remove(S segment) {
    int at = indexOf(segment.number());
    if (at < 0) {
      throw new IllegalArgumentException("no such segment: number=" + segment.number());
    }
    segments.remove(at);
  }

  Optional<S> find(long number) {
    int at = indexOf(number);
    return at < 0 ? Optional.empty() : Optional.of(segments.get(at));
  }

  S get(long number) {
    int at = indexOf(number);
    if (at < 0) {
      throw new IllegalStateException("no such segment: number=" + number);
    }
    return segments.get(at);
  }

  /// The first of this number or a greater one.
  Optional<S> from(long number) {
    int at = indexOf(number);
    int first = at < 0 ? -at - 1 : at;
    return first == segments.size() ? Optional.empty() : Optional.of(segments.get(first));
  }

  List<S> all() {
    return segments;
  }

  /// Or -(where it would be) - 1.
  private int indexOf(long number) {
    int low = 0;
    int high = segments.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      long found = segments.get(middle).number();
      if (found == number) {
        return middle;
      }
      if (found < number) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -low - 1;
  }
}
