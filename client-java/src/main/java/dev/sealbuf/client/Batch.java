package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// Several buffers, of which all are published or none.
///
/// Up to BATCH_BYTES in all they travel with the request: an index, then the bytes one behind the
/// other. More are written into one dedicated segment, where readers will find them, and then
/// sealed together.
///
/// @param entries names, and where the bytes lie in a segment of their own
/// @param items in the order of the entries
/// @param nbytes of that segment
record Batch(
    List<BatchIndex.Entry> entries, List<BatchItem> items, long nbytes, PutOptions options) {

  static Batch of(Collection<BatchItem> items, PutOptions options) {
    if (items.size() > Limits.BATCH_MAX) {
      throw new InvalidRequestException(
          "too many buffers in a batch: count=%d max=%d".formatted(items.size(), Limits.BATCH_MAX));
    }
    if (options.shape().isPresent() || options.metadataBytes() > 0) {
      throw new InvalidRequestException(
          "a batch has a shape for each buffer and no metadata: options=" + options);
    }
    List<BatchIndex.Entry> entries = new ArrayList<>(items.size());
    long end = 0;
    for (BatchItem item : items) {
      long bytes = item.data().byteSize();
      entries.add(new BatchIndex.Entry(item.name(), end, bytes, item.shape().description()));
      end = RecordLayout.align(end + bytes);
    }
    int indexBytes = BatchIndex.writePlaces(entries).remaining(); // the longer one of the two
    if (indexBytes > Limits.PAYLOAD_MAX) {
      throw new InvalidRequestException(
          "names and formats of a batch are too long: index_bytes=%d max=%d"
              .formatted(indexBytes, Limits.PAYLOAD_MAX));
    }
    return new Batch(entries, List.copyOf(items), end, options);
  }

  List<BufferInfo> publish(Session session, Deadline deadline) {
    ByteBuffer index = BatchIndex.writeLengths(entries);
    return isSmall() && index.remaining() + sum() <= Limits.PAYLOAD_MAX
        ? send(session, index, deadline)
        : write(session, deadline);
  }

  private boolean isSmall() {
    return sum() <= Limits.BATCH_BYTES
        && items.stream().allMatch(item -> Publication.isSmall(item.data().byteSize()));
  }

  private long sum() {
    return items.stream().mapToLong(item -> item.data().byteSize()).sum();
  }

  private List<BufferInfo> send(Session session, ByteBuffer index, Deadline deadline) {
    int indexBytes = index.remaining();
    ByteBuffer payload = ByteBuffer.allocate(indexBytes + Math.toIntExact(sum())).put(index);
    MemorySegment bytes = MemorySegment.ofBuffer(payload);
    for (BatchItem item : items) {
      long length = item.data().byteSize();
      bytes.asSlice(0, length).copyFrom(item.data());
      bytes = bytes.asSlice(length);
    }
    payload.rewind();
    try (Answer answer =
        session.call(
            seq ->
                new Request.PutMany(
                    seq,
                    entries.size(),
                    indexBytes,
                    options.replace(),
                    options.ttlMillis(),
                    options.forSession(),
                    payload),
            deadline)) {
      return published(answer.expect(Reply.PublishedMany.class, 0), session.uid());
    }
  }

  private List<BufferInfo> write(Session session, Deadline deadline) {
    try (Answer answer =
        session.call(
            seq ->
                new Request.Create(
                    seq,
                    Optional.empty(),
                    nbytes,
                    OptionalLong.empty(),
                    options.replace(),
                    options.ttlMillis(),
                    options.forSession(),
                    true,
                    Optional.empty(),
                    Request.NO_PAYLOAD),
            deadline)) {
      Reply.Lent loan = answer.expect(Reply.Lent.class, 2);
      Duration left = deadline.left(); // how long filling takes is not the daemon's time
      try {
        fill(answer, loan);
        return seal(session, loan.buffer(), Deadline.after(left));
      } catch (RuntimeException | Error e) {
        session.connection().forget(loan.buffer());
        throw e;
      }
    }
  }

  /// Unmapped again before the seal, which waits for writable mappings; so is the descriptor closed
  /// with which it was mapped.
  private void fill(Answer answer, Reply.Lent loan) {
    try (Mapping mapping = Segments.mapLent(answer.descriptors().getFirst(), loan.segmentBytes())) {
      MemorySegment target = mapping.segment();
      for (int i = 0; i < items.size(); i++) {
        MemorySegment data = items.get(i).data();
        target.asSlice(entries.get(i).offset(), data.byteSize()).copyFrom(data);
      }
    }
    answer.close();
  }

  private List<BufferInfo> seal(Session session, long buffer, Deadline deadline) {
    ByteBuffer index = BatchIndex.writePlaces(entries);
    try (Answer answer =
        session.call(seq -> new Request.SealMany(seq, buffer, entries.size(), index), deadline)) {
      return published(answer.expect(Reply.PublishedMany.class, 0), session.uid());
    }
  }

  private List<BufferInfo> published(Reply.PublishedMany reply, long uid) {
    List<BufferInfo> infos = new ArrayList<>(items.size());
    for (BatchItem item : items) {
      int i = infos.size();
      infos.add(
          BufferInfo.of(
              item.name(),
              reply.buffer() + i,
              reply.version() + i,
              item.shape(),
              uid,
              reply.created()));
    }
    return List.copyOf(infos);
  }
}
