package dev.sealbuf.protocol;

import static dev.sealbuf.protocol.Limits.BATCH_MAX;
import static dev.sealbuf.protocol.Limits.LIST_MAX;
import static dev.sealbuf.protocol.Limits.METADATA_MAX;
import static dev.sealbuf.protocol.Limits.NAME_MAX;
import static dev.sealbuf.protocol.Limits.SEQ_MAX;
import static dev.sealbuf.protocol.Limits.TTL_MAX;
import static dev.sealbuf.protocol.Limits.WAIT_MAX;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;

/// Frames to requests and back: the table of requests in `protocol/PROTOCOL.md`, one row a line.
///
/// A request is read strictly: an unknown, missing or duplicate field, a wrong type, a fraction, an
/// integer out of bounds, or a payload that the op does not carry is a [HeadException] that names
/// it.
public final class Requests {
  private Requests() {}

  public static Request read(Frame frame) throws HeadException {
    HeadFields head = HeadFields.parse(frame.head());
    String op = head.string("op");
    long seq = head.integer("seq", 1, SEQ_MAX);
    Request request = read(op, seq, head, frame.payload());
    head.refuseUnknown();
    if (frame.payload().hasRemaining() && !carriesPayload(request)) {
      throw head.refuse(
          "payload not allowed: op=%s payload_bytes=%d".formatted(op, frame.payload().remaining()));
    }
    return request;
  }

  private static boolean carriesPayload(Request request) {
    return request instanceof Request.Put
        || request instanceof Request.PutMany
        || request instanceof Request.Create
        || request instanceof Request.SealSpare
        || request instanceof Request.SealMany
        || request instanceof Request.DeleteMany;
  }

  private static Request read(String op, long seq, HeadFields head, ByteBuffer payload)
      throws HeadException {
    return switch (op) {
      case "hello" -> new Request.Hello(seq, head.string("namespace"), line(head, "client"));
      case "put" -> readPut(seq, head, payload);
      case "put_many" -> readPutMany(seq, head, payload);
      case "create" -> readCreate(seq, head, payload);
      case "seal" ->
          new Request.Seal(
              seq,
              head.integer("buffer", 1, SEQ_MAX),
              head.optionalInteger("nbytes", 0, SEQ_MAX),
              spare(head));
      case "seal_spare" -> readSealSpare(seq, head, payload);
      case "seal_many" ->
          new Request.SealMany(seq, head.integer("buffer", 1, SEQ_MAX), count(head), payload);
      case "abort" -> new Request.Abort(seq, head.integer("buffer", 1, SEQ_MAX));
      case "open" ->
          new Request.Open(
              seq,
              head.string("name"),
              head.optionalInteger("slab", 1, SEQ_MAX),
              head.optionalInteger("newer", 0, SEQ_MAX),
              timeout(head));
      case "take" -> new Request.Take(seq, head.string("name"), timeout(head));
      case "reserve" -> new Request.Reserve(seq, head.string("name"), timeout(head));
      case "hold" -> new Request.Hold(seq, head.string("name"), head.integer("buffer", 1, SEQ_MAX));
      case "open_held" ->
          new Request.OpenHeld(
              seq,
              head.string("name"),
              head.integer("buffer", 1, SEQ_MAX),
              head.integer("hold", 1, SEQ_MAX),
              head.optionalInteger("slab", 1, SEQ_MAX));
      case "map" -> new Request.Map(seq, head.integer("segment", 1, SEQ_MAX));
      case "delete" -> new Request.Delete(seq, head.string("name"), buffer(head));
      case "delete_many" -> new Request.DeleteMany(seq, count(head), payload);
      case "list" ->
          new Request.ListNames(
              seq,
              head.string("prefix"),
              (int) head.integer("limit", 1, LIST_MAX),
              head.integer("cursor", 0, SEQ_MAX),
              head.optionalInteger("until", 0, SEQ_MAX));
      case "watch" -> new Request.Watch(seq, head.string("prefix"), head.flag("replay"));
      case "await_room" ->
          new Request.AwaitRoom(seq, head.integer("nbytes", 0, SEQ_MAX), timeout(head));
      case "holders" ->
          new Request.Holders(seq, head.optionalString("name"), head.integer("cursor", 0, SEQ_MAX));
      case "stat" -> new Request.Stat(seq);
      case "ping" -> new Request.Ping(seq);
      default -> throw head.refuse("unknown op: op=" + Names.printable(op));
    };
  }

  private static Request readPut(long seq, HeadFields head, ByteBuffer payload)
      throws HeadException {
    return new Request.Put(
        seq,
        head.optionalString("name"),
        buffer(head),
        replace(head),
        ttl(head),
        session(head),
        Descriptions.read(head),
        head.optionalInteger("metadata_bytes", 0, Math.min(METADATA_MAX, payload.remaining())),
        payload);
  }

  private static Request readSealSpare(long seq, HeadFields head, ByteBuffer payload)
      throws HeadException {
    requireMetadata(head, payload);
    return new Request.SealSpare(
        seq,
        head.integer("buffer", 1, SEQ_MAX),
        head.optionalString("name"),
        head.integer("nbytes", 0, SEQ_MAX),
        replace(head),
        ttl(head),
        session(head),
        spare(head),
        Descriptions.read(head),
        payload);
  }

  private static void requireMetadata(HeadFields head, ByteBuffer payload) throws HeadException {
    if (payload.remaining() > METADATA_MAX) {
      throw head.refuse(
          "metadata too long: payload_bytes=%d max=%d"
              .formatted(payload.remaining(), METADATA_MAX));
    }
  }

  private static Request readCreate(long seq, HeadFields head, ByteBuffer payload)
      throws HeadException {
    requireMetadata(head, payload);
    return new Request.Create(
        seq,
        head.optionalString("name"),
        head.integer("nbytes", 0, SEQ_MAX),
        buffer(head),
        replace(head),
        ttl(head),
        session(head),
        head.flag("batch"),
        Descriptions.read(head),
        payload);
  }

  private static Request readPutMany(long seq, HeadFields head, ByteBuffer payload)
      throws HeadException {
    return new Request.PutMany(
        seq,
        count(head),
        (int) head.integer("index_bytes", 0, payload.remaining()),
        replace(head),
        ttl(head),
        session(head),
        payload);
  }

  private static OptionalLong buffer(HeadFields head) throws HeadException {
    return head.optionalInteger("buffer", 1, SEQ_MAX);
  }

  private static boolean replace(HeadFields head) throws HeadException {
    return head.flag("replace");
  }

  private static boolean session(HeadFields head) throws HeadException {
    return head.flag("session");
  }

  private static OptionalLong spare(HeadFields head) throws HeadException {
    return head.optionalInteger("spare", 1, SEQ_MAX);
  }

  private static OptionalLong ttl(HeadFields head) throws HeadException {
    return head.optionalInteger("ttl", 1, TTL_MAX);
  }

  private static OptionalLong timeout(HeadFields head) throws HeadException {
    return head.optionalInteger("timeout", 1, WAIT_MAX);
  }

  private static int count(HeadFields head) throws HeadException {
    return (int) head.integer("count", 1, BATCH_MAX);
  }

  public static Frame write(Request request) {
    return switch (request) {
      case Request.Hello(long seq, String namespace, String client) ->
          request(op("hello", seq).string("namespace", namespace).string("client", client));
      case Request.Put put -> new Frame(0, head(put).end(), put.payload());
      case Request.PutMany many -> new Frame(0, head(many).end(), many.payload());
      case Request.Create create -> new Frame(0, head(create).end(), create.payload());
      case Request.Seal(long seq, long buffer, OptionalLong nbytes, OptionalLong spare) ->
          request(
              op("seal", seq)
                  .integer("buffer", buffer)
                  .integer("nbytes", nbytes)
                  .integer("spare", spare));
      case Request.SealSpare spare -> new Frame(0, head(spare).end(), spare.payload());
      case Request.SealMany(long seq, long buffer, int count, ByteBuffer payload) ->
          new Frame(
              0,
              op("seal_many", seq).integer("buffer", buffer).integer("count", count).end(),
              payload);
      case Request.Abort(long seq, long buffer) ->
          request(op("abort", seq).integer("buffer", buffer));
      case Request.Open open ->
          request(
              op("open", open.seq())
                  .string("name", open.name())
                  .integer("slab", open.slab())
                  .integer("newer", open.newer())
                  .integer("timeout", open.timeout()));
      case Request.Take(long seq, String name, OptionalLong timeout) ->
          request(op("take", seq).string("name", name).integer("timeout", timeout));
      case Request.Reserve(long seq, String name, OptionalLong timeout) ->
          request(op("reserve", seq).string("name", name).integer("timeout", timeout));
      case Request.Hold(long seq, String name, long buffer) ->
          request(op("hold", seq).string("name", name).integer("buffer", buffer));
      case Request.OpenHeld(long seq, String name, long buffer, long hold, OptionalLong slab) ->
          request(
              op("open_held", seq)
                  .string("name", name)
                  .integer("buffer", buffer)
                  .integer("hold", hold)
                  .integer("slab", slab));
      case Request.Map(long seq, long segment) ->
          request(op("map", seq).integer("segment", segment));
      case Request.Delete(long seq, String name, OptionalLong buffer) ->
          request(op("delete", seq).string("name", name).integer("buffer", buffer));
      case Request.DeleteMany(long seq, int count, ByteBuffer payload) ->
          new Frame(0, op("delete_many", seq).integer("count", count).end(), payload);
      case Request.ListNames list ->
          request(
              op("list", list.seq())
                  .string("prefix", list.prefix())
                  .integer("limit", list.limit())
                  .integer("cursor", list.cursor())
                  .integer("until", list.until()));
      case Request.Watch(long seq, String prefix, boolean replay) ->
          request(op("watch", seq).string("prefix", prefix).flag("replay", replay));
      case Request.AwaitRoom(long seq, long nbytes, OptionalLong timeout) ->
          request(op("await_room", seq).integer("nbytes", nbytes).integer("timeout", timeout));
      case Request.Holders(long seq, Optional<String> name, long cursor) ->
          request(op("holders", seq).string("name", name).integer("cursor", cursor));
      case Request.Stat(long seq) -> request(op("stat", seq));
      case Request.Ping(long seq) -> request(op("ping", seq));
    };
  }

  /// Loads what the first requests would otherwise wait for: some 80 ms on a cold JVM.
  public static void warmUp() {
    try {
      read(write(new Request.Hello(1, "default", "warm-up")));
      read(write(new Request.Put(1, Optional.of("name"), ByteBuffer.allocate(1))));
      read(write(new Request.ListNames(1, "", 1, 0)));
    } catch (HeadException e) {
      throw new AssertionError("what this class writes it reads", e);
    }
  }

  private static HeadWriter head(Request.Put put) {
    return op("put", put.seq())
        .string("name", put.name())
        .integer("buffer", put.buffer())
        .flag("replace", put.replace())
        .integer("ttl", put.ttl())
        .flag("session", put.session())
        .description(put.description())
        .integer("metadata_bytes", put.metadataBytes());
  }

  private static HeadWriter head(Request.PutMany many) {
    return op("put_many", many.seq())
        .integer("count", many.count())
        .integer("index_bytes", many.indexBytes())
        .flag("replace", many.replace())
        .integer("ttl", many.ttl())
        .flag("session", many.session());
  }

  private static HeadWriter head(Request.Create create) {
    return op("create", create.seq())
        .string("name", create.name())
        .integer("nbytes", create.nbytes())
        .integer("buffer", create.buffer())
        .flag("replace", create.replace())
        .integer("ttl", create.ttl())
        .flag("session", create.session())
        .flag("batch", create.batch())
        .description(create.description());
  }

  private static HeadWriter head(Request.SealSpare seal) {
    return op("seal_spare", seal.seq())
        .integer("buffer", seal.buffer())
        .string("name", seal.name())
        .integer("nbytes", seal.nbytes())
        .flag("replace", seal.replace())
        .integer("ttl", seal.ttl())
        .flag("session", seal.session())
        .integer("spare", seal.spare())
        .description(seal.description());
  }

  private static HeadWriter op(String op, long seq) {
    return new HeadWriter("op", op, seq);
  }

  private static Frame request(HeadWriter head) {
    return Frame.of(0, head.end());
  }

  private static String line(HeadFields head, String field) throws HeadException {
    String text = head.string(field);
    if (!Names.isLine(text, NAME_MAX)) {
      throw head.refuse(
          "%s is a line of at most %d bytes without control characters: %s=%s"
              .formatted(field, NAME_MAX, field, Names.printable(text)));
    }
    return text;
  }
}
