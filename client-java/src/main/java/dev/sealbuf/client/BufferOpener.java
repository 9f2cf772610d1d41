package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.TableWord;
import java.util.List;
import java.util.Optional;
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

  /// What the daemon says about where a buffer is, in `opened` and `taken`.
  record Place(long slab, long slabBytes, long record, long segment, long segmentBytes) {
    static Place of(Reply.Opened opened) {
      return new Place(
          opened.slab(),
          opened.slabBytes(),
          opened.record(),
          opened.segment(),
          opened.segmentBytes());
    }

    static Place of(Reply.Taken taken) {
      return new Place(
          taken.slab(), taken.slabBytes(), taken.record(), taken.segment(), taken.segmentBytes());
    }
  }

  /// The epoch before a request, for [#open(String, Place, Answer, OptionalLong, long, Deadline)].
  long epoch() {
    return segments.epoch();
  }

  SealedBuffer get(String name, byte[] utf8, Deadline deadline) {
    return switch (catalog.find(utf8, deadline)) {
      case CatalogReader.Found found -> open(name, found, deadline);
      case CatalogReader.Miss.ABSENT -> throw absent(name);
      case CatalogReader.Miss.ASK -> ask(name, OptionalLong.empty(), deadline);
    };
  }

  /// A buffer, and the table word that led to it; 0: none did.
  record Current(SealedBuffer buffer, long word) {}

  /// The buffer of a name, if there is one. When the name is replaced meanwhile, the word may be
  /// that of the buffer before; it leads nowhere any more then.
  Optional<Current> look(String name, byte[] utf8, Deadline deadline) {
    try {
      return switch (catalog.find(utf8, deadline)) {
        case CatalogReader.Found found ->
            Optional.of(new Current(open(name, found, deadline), found.word()));
        case CatalogReader.Miss.ABSENT -> Optional.empty();
        case CatalogReader.Miss.ASK ->
            Optional.of(new Current(ask(name, OptionalLong.empty(), deadline), TableWord.EMPTY));
      };
    } catch (NotFoundException _) {
      return Optional.empty();
    }
  }

  private SealedBuffer open(String name, CatalogReader.Found found, Deadline deadline) {
    BufferRecord record = read(found.slab(), found.at());
    return record.segment() == 0
        ? inSlab(record, found.slab(), found.at())
        : openDedicated(name, found, deadline);
  }

  /// Whether a buffer of that name is published.
  boolean contains(String name, byte[] utf8, Deadline deadline) {
    return switch (catalog.find(utf8, deadline)) {
      case CatalogReader.Found found -> {
        found.slab().release();
        yield true;
      }
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

  private SealedBuffer openDedicated(String name, CatalogReader.Found found, Deadline deadline) {
    found.slab().release();
    return ask(name, OptionalLong.of(found.number()), deadline);
  }

  private SealedBuffer ask(String name, OptionalLong slab, Deadline deadline) {
    long since = epoch();
    try (Answer answer = connection.call(seq -> new Request.Open(seq, name, slab), deadline)) {
      Place place = Place.of(answer.expect(Reply.Opened.class));
      return open(name, place, answer, slab, since, deadline);
    }
  }

  /// The buffer that an answer brings.
  ///
  /// @param named the slab that the request named, which comes without a descriptor
  /// @param since the epoch before the request
  SealedBuffer open(
      String name, Place place, Answer answer, OptionalLong named, long since, Deadline deadline) {
    boolean withSlab = named.isEmpty() || named.getAsLong() != place.slab();
    boolean withSegment = place.segment() != 0;
    answer.expect(answer.reply().getClass(), (withSlab ? 1 : 0) + (withSegment ? 1 : 0));
    List<Fd> descriptors = answer.descriptors();
    SharedMapping slab =
        withSlab
            ? segments.addSlab(place.slab(), descriptors.getFirst(), place.slabBytes(), since)
            : segments.slab(place.slab(), deadline);
    BufferRecord record = read(slab, place, name);
    if (!withSegment) {
      return inSlab(record, slab, place.record());
    }
    byte[] metadata = metadata(slab, place.record());
    slab.release();
    return dedicated(record, metadata, descriptors.getLast(), place.segmentBytes());
  }

  /// The small buffer whose record lies at a place.
  ///
  /// @throws NotFoundException when its slab was retired meanwhile
  SealedBuffer inSlab(String name, long slab, long record, Deadline deadline) {
    SharedMapping held = segments.slab(slab, deadline);
    return inSlab(read(held, new Place(slab, 0, record, 0, 0), name), held, record);
  }

  private static SealedBuffer inSlab(BufferRecord record, SharedMapping slab, long at) {
    return SealedBuffer.inSlab(record, metadata(slab, at), slab);
  }

  private static SealedBuffer dedicated(
      BufferRecord record, byte[] metadata, Fd fd, long segmentBytes) {
    try {
      record.checkPayload(segmentBytes);
    } catch (LayoutException e) {
      throw damaged(e);
    }
    Mapping mapping = Segments.mapPublished(fd, segmentBytes);
    return SealedBuffer.inSegment(record, metadata, mapping);
  }

  private static BufferRecord read(SharedMapping slab, Place place, String name) {
    BufferRecord record = read(slab, place.record());
    if (!record.name().equals(name)) {
      slab.release();
      throw new ProtocolException("record of another name: at=" + place.record());
    }
    if (record.segment() != place.segment()) {
      slab.release();
      throw new ProtocolException(
          "record leads to another segment: segment=%d expected=%d"
              .formatted(record.segment(), place.segment()));
    }
    return record;
  }

  private static BufferRecord read(SharedMapping slab, long at) {
    try {
      return BufferRecord.read(slab.segment(), at);
    } catch (LayoutException e) {
      slab.release();
      throw damaged(e);
    }
  }

  private static byte[] metadata(SharedMapping slab, long at) {
    try {
      return BufferRecord.metadata(slab.segment(), at);
    } catch (LayoutException e) {
      slab.release();
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
