package dev.sealbuf.protocol;

import static dev.sealbuf.protocol.Limits.LIST_MAX;
import static dev.sealbuf.protocol.Limits.NAME_MAX;
import static dev.sealbuf.protocol.Limits.SEQ_MAX;

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
    if (frame.payload().hasRemaining() && !(request instanceof Request.Put)) {
      throw head.refuse(
          "payload not allowed: op=%s payload_bytes=%d".formatted(op, frame.payload().remaining()));
    }
    return request;
  }

  private static Request read(String op, long seq, HeadFields head, ByteBuffer payload)
      throws HeadException {
    return switch (op) {
      case "hello" -> new Request.Hello(seq, head.string("namespace"), line(head, "client"));
      case "put" -> new Request.Put(seq, head.optionalString("name"), payload);
      case "create" ->
          new Request.Create(seq, head.optionalString("name"), head.integer("nbytes", 0, SEQ_MAX));
      case "seal" ->
          new Request.Seal(
              seq, head.integer("buffer", 1, SEQ_MAX), head.optionalInteger("nbytes", 0, SEQ_MAX));
      case "abort" -> new Request.Abort(seq, head.integer("buffer", 1, SEQ_MAX));
      case "open" ->
          new Request.Open(seq, head.string("name"), head.optionalInteger("slab", 1, SEQ_MAX));
      case "map" -> new Request.Map(seq, head.integer("segment", 1, SEQ_MAX));
      case "delete" -> new Request.Delete(seq, head.string("name"));
      case "list" ->
          new Request.ListNames(
              seq,
              head.string("prefix"),
              (int) head.integer("limit", 1, LIST_MAX),
              head.integer("cursor", 0, SEQ_MAX));
      case "stat" -> new Request.Stat(seq);
      case "ping" -> new Request.Ping(seq);
      default -> throw head.refuse("unknown op: op=" + Names.printable(op));
    };
  }

  public static Frame write(Request request) {
    return switch (request) {
      case Request.Hello(long seq, String namespace, String client) ->
          request(op("hello", seq).string("namespace", namespace).string("client", client));
      case Request.Put(long seq, Optional<String> name, ByteBuffer payload) ->
          new Frame(0, op("put", seq).string("name", name).end(), payload);
      case Request.Create(long seq, Optional<String> name, long nbytes) ->
          request(op("create", seq).string("name", name).integer("nbytes", nbytes));
      case Request.Seal(long seq, long buffer, OptionalLong nbytes) ->
          request(op("seal", seq).integer("buffer", buffer).integer("nbytes", nbytes));
      case Request.Abort(long seq, long buffer) ->
          request(op("abort", seq).integer("buffer", buffer));
      case Request.Open(long seq, String name, OptionalLong slab) ->
          request(op("open", seq).string("name", name).integer("slab", slab));
      case Request.Map(long seq, long segment) ->
          request(op("map", seq).integer("segment", segment));
      case Request.Delete(long seq, String name) -> request(op("delete", seq).string("name", name));
      case Request.ListNames(long seq, String prefix, int limit, long cursor) ->
          request(
              op("list", seq)
                  .string("prefix", prefix)
                  .integer("limit", limit)
                  .integer("cursor", cursor));
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
