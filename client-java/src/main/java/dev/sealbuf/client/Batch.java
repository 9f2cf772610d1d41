package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.RecordLayout;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// Several buffers, of which all are published or none.
///
/// Up to BATCH_BYTES in all they travel with the request: an index, then the bytes one behind the
/// other. More are written into one dedicated segment, where readers will find them, and then
/// sealed together.
///
/// @param entries names, and where the bytes lie in a segment of their own
/// @param contents in the order of the entries
/// @param nbytes of that segment
record Batch(
    List<BatchIndex.Entry> entries, List<byte[]> contents, long nbytes, PutOptions options) {

  static Batch of(Map<String, byte[]> data, PutOptions options) {
    if (data.size() > Limits.BATCH_MAX) {
      throw new InvalidRequestException(
          "too many buffers in a batch: count=%d max=%d".formatted(data.size(), Limits.BATCH_MAX));
    }
    List<BatchIndex.Entry> entries = new ArrayList<>(data.size());
    List<byte[]> contents = new ArrayList<>(data.size());
    long end = 0;
    for (Map.Entry<String, byte[]> each : data.entrySet()) {
      byte[] content = each.getValue();
      entries.add(new BatchIndex.Entry(Checked.name(each.getKey()), end, content.length));
      contents.add(content);
      end = RecordLayout.align(end + content.length);
    }
    return new Batch(entries, contents, end, options);
  }

  List<BufferInfo> publish(Session session, Deadline deadline) {
    return isSmall() ? send(session, deadline) : write(session, deadline);
  }

  private boolean isSmall() {
    long sum = contents.stream().mapToLong(content -> content.length).sum();
    return sum <= Limits.BATCH_BYTES
        && contents.stream().allMatch(content -> content.length <= Limits.PUT_MAX);
  }

  private List<BufferInfo> send(Session session, Deadline deadline) {
    ByteBuffer index = BatchIndex.writeLengths(entries);
    int indexBytes = index.remaining();
    int sum = contents.stream().mapToInt(content -> content.length).sum();
    ByteBuffer payload = ByteBuffer.allocate(indexBytes + sum).put(index);
    contents.forEach(payload::put);
    payload.flip();
    try (Answer answer =
        session.call(
            seq ->
                new Request.PutMany(
                    seq,
                    entries.size(),
                    indexBytes,
                    options.replace(),
                    options.ttlMillis(),
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
      for (int i = 0; i < contents.size(); i++) {
        byte[] content = contents.get(i);
        MemorySegment.copy(
            content, 0, target, ValueLayout.JAVA_BYTE, entries.get(i).offset(), content.length);
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
    List<BufferInfo> infos = new ArrayList<>(entries.size());
    for (BatchIndex.Entry entry : entries) {
      int i = infos.size();
      infos.add(
          BufferInfo.bytes(
              entry.name(),
              reply.buffer() + i,
              reply.version() + i,
              entry.nbytes(),
              uid,
              reply.created()));
    }
    return List.copyOf(infos);
  }
}
