package dev.sealbuf.server.store;

import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.store.Parked.Line;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/// Where those who want a name meet those who publish it.
///
/// A request is an attempt: it finds what it needs, or not yet. Then it is parked with [Waiters],
/// which make the attempt again when something has happened to the name, or it is refused at once
/// if it does not want to wait. Who takes or reserves comes after those who do so already.
final class Rendezvous {
  private final PublishedBuffers published;
  private final Reservations reservations;
  private final Waiters waiters;

  Rendezvous(PublishedBuffers published, Reservations reservations, Waiters waiters) {
    this.published = published;
    this.reservations = reservations;
    this.waiters = waiters;
  }

  /// A buffer of this name, of a version greater than `newer`.
  CompletionStage<Location> open(
      Peer peer, Name name, OptionalLong slab, OptionalLong newer, OptionalLong wait) {
    long seen = newer.orElse(0);
    Parked.Place place = new Parked.Place(peer, name, Line.READ, seen);
    String otherwise = newer.isPresent() ? "no newer buffer has" : "no buffer has";
    return meet(
        place,
        wait,
        () -> opened(name, slab, seen),
        new Refusal(ErrorCode.NOT_FOUND, otherwise + " this name: name=" + name));
  }

  /// A buffer of this name, which the peer alone gets.
  CompletionStage<Taking> take(Peer peer, Name name, OptionalLong wait) {
    return meet(
        new Parked.Place(peer, name, Line.TAKE, 0),
        wait,
        () -> taking(peer, name),
        new Refusal(ErrorCode.NOT_FOUND, "no buffer has this name: name=" + name));
  }

  /// A buffer of this name, or the right to create it.
  CompletionStage<Standing> reserve(Peer peer, Name name, OptionalLong wait) {
    return meet(
        new Parked.Place(peer, name, Line.RESERVE, 0),
        wait,
        () -> standing(peer, name),
        new Refusal(
            ErrorCode.ALREADY_EXISTS, "a buffer is being written under this name: name=" + name));
  }

  private <T> CompletionStage<T> meet(
      Parked.Place place, OptionalLong wait, Parked.Attempt<T> attempt, Refusal otherwise) {
    try {
      Optional<T> met = mustQueue(place) ? Optional.empty() : attempt.now();
      if (met.isPresent()) {
        return CompletableFuture.completedStage(met.get());
      }
      if (wait.isPresent()) {
        return waiters.park(place, wait.getAsLong(), attempt);
      }
      return CompletableFuture.failedStage(otherwise);
    } catch (Refusal e) {
      return CompletableFuture.failedStage(e);
    }
  }

  /// Those in front may not have been looked at since the name was published; who only wants to
  /// read it takes nothing from them.
  private boolean mustQueue(Parked.Place place) {
    boolean onlyOne =
        switch (place.line()) {
          case READ -> false;
          case RESERVE -> !published.contains(place.name());
          case TAKE -> true;
        };
    return onlyOne && waiters.isOccupied(place.line(), place.name());
  }

  private Optional<Location> opened(Name name, OptionalLong slab, long seen) throws Refusal {
    boolean newer = published.find(name).filter(record -> record.version() > seen).isPresent();
    return newer ? Optional.of(published.open(name, slab)) : Optional.empty();
  }

  private Optional<Taking> taking(Peer peer, Name name) throws Refusal {
    Optional<BufferRecord> found = published.find(name);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    Rights.requireMayEnd(peer, found.get());
    Location location = published.open(name, OptionalLong.empty());
    return Optional.of(
        new Taking(name.text(), found.get().buffer(), location, () -> delete(peer, name)));
  }

  private void delete(Peer peer, Name name) {
    try {
      published.delete(peer, name, OptionalLong.empty());
    } catch (Refusal e) {
      throw new IllegalStateException("what was found may be deleted in the same turn", e);
    }
  }

  private Optional<Standing> standing(Peer peer, Name name) throws Refusal {
    if (published.contains(name)) {
      return Optional.of(published.open(name, OptionalLong.empty()));
    }
    return reservations.isTaken(name)
        ? Optional.empty()
        : Optional.of(reservations.reserve(peer, name));
  }
}
