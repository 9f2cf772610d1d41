package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalLong;

/// From a name to a buffer: by the catalog alone where the payload lies in a slab, with one request
/// for the descriptor where it has a segment of its own, and by asking where the catalog does not
/// say.
final class BufferOpener {
  private final Connection connection;
  private final SegmentCache segments;
  private final CatalogReader catalog;

  BufferOpener(Connection connection, SegmentCache segments, CatalogReader catalog) {
    this.connection = connection;
    this.segments = segments;
    this.catalog = catalog;
  }

  SealedBuffer get(String name, byte[] utf8, Deadline deadline) {
    return switch (catalog.find(utf8, deadline)) {
      case CatalogReader.Found(long number, MemorySegment slab, long at) -> {
        BufferRecord record = read(slab, at);
        yield record.segment() == 0
            ? SealedBuffer.inSlab(record, slab)
            : open(name, utf8, OptionalLong.of(number), deadline);
      }
      case CatalogReader.Miss.ABSENT -> throw absent(name);
      case CatalogReader.Miss.ASK -> open(name, utf8, OptionalLong.empty(), deadline);
    };
  }

  boolean contains(String name, byte[] utf8, Deadline deadline) {
    return switch (catalog.find(utf8, deadline)) {
      case CatalogReader.Found _ -> true;
      case CatalogReader.Miss.ABSENT -> false;
      case CatalogReader.Miss.ASK -> exists(name, deadline);
    };
  }

  private boolean exists(String name, Deadline deadline) {
    try (Answer answer =
        connection.call(seq -> new Request.Open(seq, name, OptionalLong.empty()), deadline)) {
      answer.expect(Reply.Opened.class);
      return true;
    } catch (NotFoundException _) {
      return false;
    }
  }

  private SealedBuffer open(String name, byte[] utf8, OptionalLong slab, Deadline deadline) {
    try (Answer answer = connection.call(seq -> new Request.Open(seq, name, slab), deadline)) {
      Reply.Opened opened = answer.expect(Reply.Opened.class);
      boolean withSlab = slab.isEmpty() || slab.getAsLong() != opened.slab();
      boolean withSegment = opened.segment() != 0;
      answer.expect(Reply.Opened.class, (withSlab ? 1 : 0) + (withSegment ? 1 : 0));

      List<Fd> descriptors = answer.descriptors();
      MemorySegment records =
          withSlab
              ? segments.add(opened.slab(), descriptors.getFirst(), opened.slabBytes())
              : segments.get(opened.slab(), deadline);
      BufferRecord record = read(records, opened.record(), utf8);
      if (record.segment() != opened.segment()) {
        throw new ProtocolException(
            "record leads to another segment: segment=%d expected=%d"
                .formatted(record.segment(), opened.segment()));
      }
      return withSegment
          ? dedicated(record, descriptors.getLast(), opened.segmentBytes())
          : SealedBuffer.inSlab(record, records);
    }
  }

  private static SealedBuffer dedicated(BufferRecord record, Fd fd, long segmentBytes) {
    try {
      record.checkPayload(segmentBytes);
    } catch (LayoutException e) {
      throw damaged(e);
    }
    Mapping mapping = Segments.mapPublished(fd, segmentBytes);
    return SealedBuffer.inSegment(SealedBuffer.info(record), mapping, record.offset());
  }

  private static BufferRecord read(MemorySegment slab, long at, byte[] name) {
    try {
      if (!BufferRecord.isNamed(slab, at, name)) {
        throw new ProtocolException("record of another name: at=" + at);
      }
    } catch (LayoutException e) {
      throw damaged(e);
    }
    return read(slab, at);
  }

  private static BufferRecord read(MemorySegment slab, long at) {
    try {
      return BufferRecord.read(slab, at);
    } catch (LayoutException e) {
      throw damaged(e);
    }
  }

  private static ProtocolException damaged(LayoutException e) {
    return new ProtocolException("the slab is damaged: " + e.getMessage());
  }

  private static NotFoundException absent(String name) {
    return new NotFoundException("no such buffer: name=" + name);
  }
}
