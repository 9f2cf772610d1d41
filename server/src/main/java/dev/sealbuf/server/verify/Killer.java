package dev.sealbuf.server.verify;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Kills the workers in turn, at moments that have nothing to do with what they are doing. One that
/// is not connected yet is waited for.
final class Killer {
  private static final long POLL = TimeUnit.MILLISECONDS.toNanos(5);

  private final Run run;
  private final List<? extends Seat> seats;
  private final SplittableRandom random;
  private final double period;
  private final Thread thread;

  Killer(Run run, List<? extends Seat> seats, double perSecond, SplittableRandom random) {
    this.run = run;
    this.seats = seats;
    this.random = random;
    this.period = 1 / perSecond; // infinite for none
    this.thread = Thread.ofPlatform().name("killer").unstarted(this::kill);
  }

  void start() {
    thread.start();
  }

  private void kill() {
    int turn = 0;
    double next = run.seconds() + spell(1);
    while (run.phase() == Run.Phase.RUN) {
      if (run.seconds() >= next && seats.get(turn % seats.size()).kill()) {
        turn++;
        next = Math.max(next + spell(1), run.seconds() + spell(0.5)); // what was late is caught up
      }
      LockSupport.parkNanos(POLL);
    }
  }

  /// From half of it to one and a half.
  private double spell(double periods) {
    return period * periods * (0.5 + random.nextDouble());
  }
}
