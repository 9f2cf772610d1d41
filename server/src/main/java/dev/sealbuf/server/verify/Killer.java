package dev.sealbuf.server.verify;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Kills a worker now and then, at a moment that has nothing to do with what it is doing. One that
/// is not connected yet is spared.
final class Killer {
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(5);

  private final Run run;
  private final List<? extends Seat> seats;
  private final SplittableRandom random;
  private final double perSecond;
  private final Thread thread;

  Killer(Run run, List<? extends Seat> seats, double perSecond, SplittableRandom random) {
    this.run = run;
    this.seats = seats;
    this.random = random;
    this.perSecond = perSecond;
    this.thread = Thread.ofPlatform().name("killer").unstarted(this::kill);
  }

  void start() {
    thread.start();
  }

  private void kill() {
    long done = 0;
    double jitter = random.nextDouble();
    while (run.phase() == Run.Phase.RUN) {
      if (run.seconds() * perSecond > done + jitter
          && seats.get(random.nextInt(seats.size())).kill()) {
        done++;
        jitter = random.nextDouble();
      }
      LockSupport.parkNanos(PAUSE);
    }
  }
}
