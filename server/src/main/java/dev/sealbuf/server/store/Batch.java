package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.RecordLayout;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// What an index of a batch may say, judged before anything is written.
final class Batch {
  /// An entry without name and description, and its name's place.
  private static final long HEAP_PER_ENTRY = 128;

  private static final long HEAP_PER_CHAR = 2;

  private Batch() {}

  /// What an index takes on the heap while its batch waits to be sealed.
  static long heapBytes(List<BatchIndex.Entry> index) {
    long bytes = 0;
    for (BatchIndex.Entry entry : index) {
      bytes += HEAP_PER_ENTRY + HEAP_PER_CHAR * entry.name().length();
      bytes += entry.description().map(Form::heapBytes).orElse(0L);
    }
    return bytes;
  }

  /// For `put_many`: buffers that follow one another and fill the payload.
  static void requireLengths(List<BatchIndex.Entry> index, long payloadBytes) throws Refusal {
    requireCount(index);
    long sum = 0;
    for (BatchIndex.Entry entry : index) {
      if (entry.nbytes() < 0 || entry.nbytes() > Limits.PUT_MAX) {
        throw invalid(
            "a batch carries small buffers: nbytes=%d max=%d"
                .formatted(entry.nbytes(), Limits.PUT_MAX));
      }
      Form.require(entry.description(), entry.nbytes());
      sum += entry.nbytes();
    }
    if (sum > Limits.BATCH_BYTES) {
      throw invalid("batch too large: nbytes=%d max=%d".formatted(sum, Limits.BATCH_BYTES));
    }
    if (sum != payloadBytes) {
      throw invalid(
          "the index says how long the payload is: nbytes=%d payload_bytes=%d"
              .formatted(sum, payloadBytes));
    }
  }

  /// For `seal_many`: buffers anywhere in a segment.
  static void requirePlaces(List<BatchIndex.Entry> index, long bytes) throws Refusal {
    requireCount(index);
    for (BatchIndex.Entry entry : index) {
      long offset = entry.offset();
      if (offset < 0 || offset % RecordLayout.ALIGNMENT != 0) {
        throw invalid(
            "a buffer of a batch begins at a multiple of %d: offset=%d"
                .formatted(RecordLayout.ALIGNMENT, offset));
      }
      if (entry.nbytes() < 0 || offset > bytes || entry.nbytes() > bytes - offset) {
        throw invalid(
            "a buffer of a batch lies in its segment: offset=%d nbytes=%d created=%d"
                .formatted(offset, entry.nbytes(), bytes));
      }
      Form.require(entry.description(), entry.nbytes());
    }
  }

  private static void requireCount(List<BatchIndex.Entry> index) throws Refusal {
    if (index.isEmpty() || index.size() > Limits.BATCH_MAX) {
      throw invalid(
          "a batch has 1 to %d buffers: count=%d".formatted(Limits.BATCH_MAX, index.size()));
    }
    Set<String> names = new HashSet<>();
    for (BatchIndex.Entry entry : index) {
      if (!names.add(entry.name())) {
        throw new Refusal(
            ErrorCode.ALREADY_EXISTS, "a batch has each name once: name=" + Name.of(entry.name()));
      }
    }
  }

  private static Refusal invalid(String message) {
    return new Refusal(ErrorCode.INVALID_REQUEST, message);
  }
}
