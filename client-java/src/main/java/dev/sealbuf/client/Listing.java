package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.ListingPayload;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Fetches a listing page by page. The daemon sends them in the order of its catalog, which says
/// nothing to people, so the whole is sorted here.
final class Listing {
  /// The order of names is that of their bytes in UTF-8, which is that of their code points.
  static final Comparator<String> BY_NAME =
      (a, b) -> Arrays.compareUnsigned(a.getBytes(UTF_8), b.getBytes(UTF_8));

  private Listing() {}

  static List<BufferInfo> fetch(Connection connection, String prefix, Deadline deadline) {
    List<BufferInfo> found = new ArrayList<>();
    long cursor = 0;
    do {
      cursor = fetchPage(connection, prefix, cursor, found, deadline);
    } while (cursor != 0);
    found.sort(Comparator.comparing(BufferInfo::name, BY_NAME));
    return List.copyOf(found);
  }

  private static long fetchPage(
      Connection connection, String prefix, long from, List<BufferInfo> into, Deadline deadline) {
    try (Answer answer =
        connection.call(
            seq -> new Request.ListNames(seq, prefix, Limits.LIST_MAX, from), deadline)) {
      Reply.Listing page = answer.expect(Reply.Listing.class, 0);
      for (ListingPayload.Entry entry : ListingPayload.read(page.payload())) {
        into.add(info(entry));
      }
      return page.cursor();
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
}
