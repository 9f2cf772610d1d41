package dev.sealbuf.server.store;

import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/// A request that waits at a name until it can be met, its time has passed, or its session ends.
final class Parked<T> {
  /// In which line of its name it stands. The lines are served in this order; who is behind in a
  /// line is not looked at before the one in front is met.
  enum Line {
    /// Wants to read: by version, because whoever is met leaves the buffer to the others.
    READ,
    /// Wants to create, unless there is something to read.
    RESERVE,
    /// Wants the buffer for itself.
    TAKE
  }

  /// One try to meet it.
  @FunctionalInterface
  interface Attempt<T> {
    /// Empty: not yet.
    Optional<T> now() throws Refusal;
  }

  /// @param newer only a version greater than this one will do
  record Place(Peer peer, Name name, Line line, long newer) {}

  static final Comparator<Parked<?>> ORDER =
      Comparator.<Parked<?>>comparingLong(parked -> parked.place.newer)
          .thenComparingLong(parked -> parked.arrival);

  private final Place place;
  private final long arrival;
  private final Attempt<T> attempt;
  private final CompletableFuture<T> reply = new CompletableFuture<>();
  private @Nullable Future<?> deadline;

  /// @param arrival greater than that of any before
  Parked(Place place, long arrival, Attempt<T> attempt) {
    this.place = place;
    this.arrival = arrival;
    this.attempt = attempt;
  }

  Place place() {
    return place;
  }

  CompletionStage<T> reply() {
    return reply;
  }

  /// From now on it leaves when this is run.
  void leavesAt(Future<?> time) {
    deadline = time;
  }

  /// Answers it if it can be met now, or never; false: not yet.
  boolean answer() {
    try {
      Optional<T> met = attempt.now();
      met.ifPresent(reply::complete);
      return met.isPresent();
    } catch (Refusal | RuntimeException e) {
      return reply.completeExceptionally(e);
    }
  }

  void refuse(Refusal refusal) {
    reply.completeExceptionally(refusal);
  }

  /// Its timer would keep it until then.
  void forgetDeadline() {
    if (deadline != null) {
      deadline.cancel(false);
    }
  }
}
