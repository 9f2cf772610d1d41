package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.RecordCopy;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.TableWord;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

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

  /// The buffer of a name, if it was opened before and the name has it still; null says nothing.
  @Nullable SealedBuffer getAgain(String name) {
    FoundBefore.Entry entry = segments.before().get(name);
    return entry != null && catalog.isCurrent(entry.hash(), entry.word()) && entry.slab().hold()
        ? SealedBuffer.again(entry)
        : null;
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
    if (found.record().segment() != 0) {
      return openDedicated(name, found, deadline);
    }
    SealedBuffer buffer = SealedBuffer.inSlab(name, found.record(), found.slab());
    if (found.record().bytes() <= FoundBefore.RECORD_MAX) {
      segments.before().put(buffer.entry(found));
    }
    return buffer;
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
    RecordCopy record = copy(slab, place, name);
    if (!withSegment) {
      return SealedBuffer.inSlab(name, record, slab);
    }
    slab.release();
    return dedicated(name, record, descriptors.getLast(), place.segmentBytes());
  }

  /// The small buffer whose record lies at a place.
  ///
  /// @throws NotFoundException when its slab was retired meanwhile
  SealedBuffer inSlab(String name, long slab, long record, Deadline deadline) {
    SharedMapping held = segments.slab(slab, deadline);
    return SealedBuffer.inSlab(name, copy(held, new Place(slab, 0, record, 0, 0), name), held);
  }

  private static SealedBuffer dedicated(String name, RecordCopy record, Fd fd, long segmentBytes) {
    try {
      record.checkPayload(segmentBytes);
    } catch (LayoutException e) {
      throw damaged(e);
    }
    return SealedBuffer.inSegment(name, record, Segments.mapPublished(fd, segmentBytes));
  }

  private static RecordCopy copy(SharedMapping slab, Place place, String name) {
    RecordCopy record = copy(slab, place.record());
    if (!record.read().name().equals(name)) {
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

  private static RecordCopy copy(SharedMapping slab, long at) {
    try {
      return RecordCopy.of(slab.segment(), at);
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
