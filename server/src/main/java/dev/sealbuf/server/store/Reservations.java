package dev.sealbuf.server.store;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Names;
import dev.sealbuf.server.store.UnfinishedBuffer.State;
import java.util.Optional;

/// Rights to create a name, each given to one session.
///
/// A reservation is an unfinished buffer that has no memory yet. A put of its session publishes
/// under it and ends it; a create gives it memory. If either fails the right stays; it ends with an
/// abort or the session, and then the next who waits for it gets it.
final class Reservations {
  private final Claims claims;
  private final UnfinishedBuffers unfinished;

  Reservations(Claims claims, UnfinishedBuffers unfinished) {
    this.claims = claims;
    this.unfinished = unfinished;
  }

  /// Whether somebody has the right already, or writes.
  boolean isTaken(Name name) {
    return unfinished.reserves(name);
  }

  /// Gives the right to a name that nobody has.
  Reservation reserve(Peer peer, Name name) throws Refusal {
    unfinished.requireRoom(peer);
    UnfinishedBuffer reserved = new UnfinishedBuffer(claims.of(name), peer);
    unfinished.add(reserved);
    return new Reservation(name.text(), reserved.id());
  }

  /// The right that a put or create of these terms makes use of.
  Optional<UnfinishedBuffer> used(Peer peer, Optional<String> name, Terms terms) throws Refusal {
    if (terms.reservation().isEmpty()) {
      return Optional.empty();
    }
    UnfinishedBuffer reserved = require(peer, terms.reservation().getAsLong());
    Name right = reserved.claim().name();
    if (name.isPresent() && !name.get().equals(right.text())) {
      throw new Refusal(
          ErrorCode.INVALID_REQUEST,
          "a reservation is used for its name: buffer=%d reserved=%s name=%s"
              .formatted(reserved.id(), right, Names.printable(name.get())));
    }
    return Optional.of(reserved);
  }

  /// The name is published.
  void fulfilled(UnfinishedBuffer reserved) {
    unfinished.remove(reserved);
    reserved.end();
  }

  private UnfinishedBuffer require(Peer peer, long id) throws Refusal {
    return unfinished
        .find(id)
        .filter(buffer -> buffer.producer().equals(peer) && buffer.state() == State.RESERVED)
        .orElseThrow(() ->
            new Refusal(
                ErrorCode.NOT_FOUND, "no reservation of this session has this id: buffer=" + id));
  }
}
