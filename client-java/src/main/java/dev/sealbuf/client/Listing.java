package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.HoldingPayload;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.ListingPayload;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/// Fetches listings page by page.
///
/// The daemon sends buffers in the order of its memory, which says nothing to people, so the whole
/// is sorted here. It may move one to another place between two pages, so one can come twice; it is
/// the same buffer then. What was published after the first page was asked for does not come, so
/// the listing ends however busy the store is. A name can come with two buffers, when it was
/// replaced meanwhile: the newer one counts.
final class Listing {
  /// The order of names is that of their bytes in UTF-8, which is that of their code points.
  static final Comparator<String> BY_NAME =
      (a, b) -> Arrays.compareUnsigned(a.getBytes(UTF_8), b.getBytes(UTF_8));

  private Listing() {}

  static List<BufferInfo> buffers(Session session, String prefix, Deadline deadline) {
    Map<String, BufferInfo> found = new LinkedHashMap<>();
    long cursor = 0;
    OptionalLong until = OptionalLong.empty();
    do {
      Reply.Listing page = page(session, prefix, cursor, until, deadline);
      for (BufferInfo info : read(page)) {
        found.merge(info.name(), info, (a, b) -> a.version() < b.version() ? b : a);
      }
      cursor = page.cursor();
      until = OptionalLong.of(page.until());
    } while (cursor != 0);
    List<BufferInfo> sorted = new ArrayList<>(found.values());
    sorted.sort(Comparator.comparing(BufferInfo::name, BY_NAME));
    return List.copyOf(sorted);
  }

  private static Reply.Listing page(
      Session session, String prefix, long cursor, OptionalLong until, Deadline deadline) {
    try (Answer answer =
        session.call(
            seq -> new Request.ListNames(seq, prefix, Limits.LIST_MAX, cursor, until), deadline)) {
      return answer.expect(Reply.Listing.class, 0);
    }
  }

  private static List<BufferInfo> read(Reply.Listing page) {
    try {
      return ListingPayload.read(page.payload()).stream().map(Listing::info).toList();
    } catch (HeadException e) {
      throw new ProtocolException("listing cannot be read: " + e.getMessage());
    }
  }

  private static BufferInfo info(ListingPayload.Entry entry) {
    return new BufferInfo(
        entry.name(),
        entry.buffer(),
        entry.version(),
        entry.nbytes(),
        entry.format(),
        entry.shape(),
        entry.owner(),
        BufferInfo.instant(entry.created()));
  }

  static List<Holder> holders(Session session, Optional<String> name, Deadline deadline) {
    List<Holder> found = new ArrayList<>();
    long cursor = 0;
    do {
      long from = cursor;
      try (Answer answer = session.call(seq -> new Request.Holders(seq, name, from), deadline)) {
        Reply.Holding page = answer.expect(Reply.Holding.class, 0);
        HoldingPayload.read(page.payload()).stream().map(Holder::of).forEach(found::add);
        cursor = page.cursor();
      } catch (HeadException e) {
        throw new ProtocolException("holders cannot be read: " + e.getMessage());
      }
    } while (cursor != 0);
    return List.copyOf(found);
  }
}
