package dev.sealbuf.protocol;

import static dev.sealbuf.protocol.Limits.BATCH_MAX;
import static dev.sealbuf.protocol.Limits.LIST_MAX;
import static dev.sealbuf.protocol.Limits.SEQ_MAX;

import java.nio.ByteBuffer;
import java.util.Map;

/// Frames to replies and back: the table of replies in `protocol/PROTOCOL.md`, one row a line.
///
/// A reply is read as strictly as a request but for one thing: fields that are not known are
/// ignored.
public final class Replies {
  private Replies() {}

  public static Reply read(Frame frame) throws HeadException {
    HeadFields head = HeadFields.parse(frame.head());
    String reply = head.string("reply");
    long seq = head.integer("seq", 0, SEQ_MAX);
    return switch (reply) {
      case "welcome" -> readWelcome(seq, head);
      case "published" -> readPublished(seq, head);
      case "published_lent" ->
          Reply.PublishedLent.of(
              readPublished(seq, head),
              natural(head, "spare"),
              natural(head, "segment"),
              natural(head, "segment_bytes"));
      case "published_many" -> readPublishedMany(seq, head, frame.payload());
      case "lent" -> readLent(seq, head);
      case "aborted" -> new Reply.Aborted(seq, natural(head, "buffer"));
      case "opened" -> readOpened(seq, head);
      case "taken" -> readTaken(seq, head);
      case "reserved" -> new Reply.Reserved(seq, head.string("name"), natural(head, "buffer"));
      case "held" -> new Reply.Held(seq, head.integer("hold", 1, SEQ_MAX));
      case "mapped" ->
          new Reply.Mapped(seq, natural(head, "segment"), natural(head, "segment_bytes"));
      case "deleted" -> new Reply.Deleted(seq, head.string("name"), natural(head, "buffer"));
      case "deleted_many" -> new Reply.DeletedMany(seq, count(head, BATCH_MAX));
      case "listing" -> readListing(seq, head, frame.payload());
      case "watching" -> new Reply.Watching(seq, natural(head, "version"));
      case "event" -> readEvent(seq, head);
      case "room" -> new Reply.Room(seq);
      case "holding" ->
          new Reply.Holding(seq, count(head, LIST_MAX), natural(head, "cursor"), frame.payload());
      case "stats" -> new Reply.Stats(seq, head.object("stats"));
      case "pong" -> new Reply.Pong(seq);
      case "error" -> new Reply.Failure(seq, head.string("code"), head.string("message"));
      default -> throw head.refuse("unknown reply: reply=" + Names.printable(reply));
    };
  }

  /// A reply's frame, which travels with so many descriptors.
  public static Frame write(Reply reply, int descriptors) {
    return switch (reply) {
      case Reply.Welcome welcome -> Frame.of(descriptors, head(welcome));
      case Reply.Published published -> Frame.of(descriptors, head("published", published).end());
      case Reply.PublishedLent lent ->
          Frame.of(
              descriptors,
              head("published_lent", lent.published())
                  .integer("spare", lent.spare())
                  .integer("segment", lent.segment())
                  .integer("segment_bytes", lent.segmentBytes())
                  .end());
      case Reply.PublishedMany many -> new Frame(descriptors, head(many), many.payload());
      case Reply.Lent lent -> Frame.of(descriptors, head(lent));
      case Reply.Aborted(long seq, long buffer) ->
          Frame.of(descriptors, reply("aborted", seq).integer("buffer", buffer).end());
      case Reply.Opened opened -> Frame.of(descriptors, head(opened));
      case Reply.Taken taken -> Frame.of(descriptors, head(taken));
      case Reply.Reserved(long seq, String name, long buffer) ->
          Frame.of(
              descriptors,
              reply("reserved", seq).string("name", name).integer("buffer", buffer).end());
      case Reply.Held(long seq, long hold) ->
          Frame.of(descriptors, reply("held", seq).integer("hold", hold).end());
      case Reply.Mapped mapped -> Frame.of(descriptors, head(mapped));
      case Reply.Deleted(long seq, String name, long buffer) ->
          Frame.of(
              descriptors,
              reply("deleted", seq).string("name", name).integer("buffer", buffer).end());
      case Reply.DeletedMany(long seq, int count) ->
          Frame.of(descriptors, reply("deleted_many", seq).integer("count", count).end());
      case Reply.Listing listing -> new Frame(descriptors, head(listing), listing.payload());
      case Reply.Watching(long seq, long version) ->
          Frame.of(descriptors, reply("watching", seq).integer("version", version).end());
      case Reply.Event event -> Frame.of(descriptors, head(event));
      case Reply.Room(long seq) -> Frame.of(descriptors, reply("room", seq).end());
      case Reply.Holding(long seq, int count, long cursor, ByteBuffer payload) ->
          new Frame(
              descriptors,
              reply("holding", seq).integer("count", count).integer("cursor", cursor).end(),
              payload);
      case Reply.Stats(long seq, Map<String, Object> stats) ->
          Frame.of(descriptors, reply("stats", seq).object("stats", stats).end());
      case Reply.Pong(long seq) -> Frame.of(descriptors, reply("pong", seq).end());
      case Reply.Failure(long seq, String code, String message) ->
          Frame.of(
              descriptors,
              reply("error", seq).string("code", code).string("message", message).end());
    };
  }

  /// Loads what the first replies would otherwise wait for: some 80 ms on a cold JVM.
  public static void warmUp() {
    try {
      read(write(new Reply.Published(1, "name", 1, 1, 1, 1, 1, 0), 0));
      read(write(new Reply.Stats(1, Map.of("used", 1L)), 0));
      ListingPayload.read(new ListingPayload().bytes());
    } catch (HeadException e) {
      throw new AssertionError("what this class writes it reads", e);
    }
  }

  private static Reply readWelcome(long seq, HeadFields head) throws HeadException {
    return new Reply.Welcome(
        seq,
        head.string("server"),
        head.string("daemon"),
        natural(head, "session"),
        natural(head, "uid"),
        head.string("namespace"),
        natural(head, "catalog"),
        natural(head, "catalog_bytes"));
  }

  private static Reply.Published readPublished(long seq, HeadFields head) throws HeadException {
    return new Reply.Published(
        seq,
        head.string("name"),
        natural(head, "buffer"),
        natural(head, "version"),
        natural(head, "created"),
        natural(head, "slab"),
        natural(head, "slab_bytes"),
        natural(head, "record"));
  }

  private static Reply readLent(long seq, HeadFields head) throws HeadException {
    return new Reply.Lent(
        seq,
        head.string("name"),
        natural(head, "buffer"),
        natural(head, "nbytes"),
        natural(head, "segment"),
        natural(head, "segment_bytes"));
  }

  private static Reply readOpened(long seq, HeadFields head) throws HeadException {
    return new Reply.Opened(
        seq,
        natural(head, "slab"),
        natural(head, "slab_bytes"),
        natural(head, "record"),
        natural(head, "segment"),
        natural(head, "segment_bytes"));
  }

  private static Reply readPublishedMany(long seq, HeadFields head, ByteBuffer payload)
      throws HeadException {
    return new Reply.PublishedMany(
        seq,
        count(head, BATCH_MAX),
        natural(head, "buffer"),
        natural(head, "version"),
        natural(head, "created"),
        payload);
  }

  private static Reply readTaken(long seq, HeadFields head) throws HeadException {
    return new Reply.Taken(
        seq,
        head.string("name"),
        natural(head, "buffer"),
        natural(head, "slab"),
        natural(head, "slab_bytes"),
        natural(head, "record"),
        natural(head, "segment"),
        natural(head, "segment_bytes"));
  }

  private static Reply readListing(long seq, HeadFields head, ByteBuffer payload)
      throws HeadException {
    return new Reply.Listing(
        seq, count(head, LIST_MAX), natural(head, "cursor"), natural(head, "until"), payload);
  }

  private static Reply readEvent(long seq, HeadFields head) throws HeadException {
    return new Reply.Event(
        seq,
        head.string("kind"),
        head.string("name"),
        natural(head, "buffer"),
        natural(head, "version"),
        natural(head, "nbytes"),
        natural(head, "owner"),
        natural(head, "created"));
  }

  private static ByteBuffer head(Reply.Welcome welcome) {
    return reply("welcome", welcome.seq())
        .string("server", welcome.server())
        .string("daemon", welcome.daemon())
        .integer("session", welcome.session())
        .integer("uid", welcome.uid())
        .string("namespace", welcome.namespace())
        .integer("catalog", welcome.catalog())
        .integer("catalog_bytes", welcome.catalogBytes())
        .end();
  }

  private static HeadWriter head(String reply, Reply.Published published) {
    return reply(reply, published.seq())
        .string("name", published.name())
        .integer("buffer", published.buffer())
        .integer("version", published.version())
        .integer("created", published.created())
        .integer("slab", published.slab())
        .integer("slab_bytes", published.slabBytes())
        .integer("record", published.record());
  }

  private static ByteBuffer head(Reply.Lent lent) {
    return reply("lent", lent.seq())
        .string("name", lent.name())
        .integer("buffer", lent.buffer())
        .integer("nbytes", lent.nbytes())
        .integer("segment", lent.segment())
        .integer("segment_bytes", lent.segmentBytes())
        .end();
  }

  private static ByteBuffer head(Reply.Opened opened) {
    return reply("opened", opened.seq())
        .integer("slab", opened.slab())
        .integer("slab_bytes", opened.slabBytes())
        .integer("record", opened.record())
        .integer("segment", opened.segment())
        .integer("segment_bytes", opened.segmentBytes())
        .end();
  }

  private static ByteBuffer head(Reply.PublishedMany many) {
    return reply("published_many", many.seq())
        .integer("count", many.count())
        .integer("buffer", many.buffer())
        .integer("version", many.version())
        .integer("created", many.created())
        .end();
  }

  private static ByteBuffer head(Reply.Taken taken) {
    return reply("taken", taken.seq())
        .string("name", taken.name())
        .integer("buffer", taken.buffer())
        .integer("slab", taken.slab())
        .integer("slab_bytes", taken.slabBytes())
        .integer("record", taken.record())
        .integer("segment", taken.segment())
        .integer("segment_bytes", taken.segmentBytes())
        .end();
  }

  private static ByteBuffer head(Reply.Event event) {
    return reply("event", event.seq())
        .string("kind", event.kind())
        .string("name", event.name())
        .integer("buffer", event.buffer())
        .integer("version", event.version())
        .integer("nbytes", event.nbytes())
        .integer("owner", event.owner())
        .integer("created", event.created())
        .end();
  }

  private static ByteBuffer head(Reply.Mapped mapped) {
    return reply("mapped", mapped.seq())
        .integer("segment", mapped.segment())
        .integer("segment_bytes", mapped.segmentBytes())
        .end();
  }

  private static ByteBuffer head(Reply.Listing listing) {
    return reply("listing", listing.seq())
        .integer("count", listing.count())
        .integer("cursor", listing.cursor())
        .integer("until", listing.until())
        .end();
  }

  private static HeadWriter reply(String reply, long seq) {
    return new HeadWriter("reply", reply, seq);
  }

  private static int count(HeadFields head, int max) throws HeadException {
    return (int) head.integer("count", 0, max);
  }

  private static long natural(HeadFields head, String field) throws HeadException {
    return head.integer(field, 0, SEQ_MAX);
  }
}
