package dev.sealbuf.server.verify;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The place of one worker: whenever it is killed, the next one sits down there.
abstract class Seat {
  private static final double PATIENCE_SECONDS = 120;

  private static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  private final Run run;
  private final List<String> command;
  private final SplittableRandom random;
  private final Thread thread;
  private volatile @Nullable Worker seated;
  private volatile boolean ready;

  Seat(Run run, String title, List<String> command, SplittableRandom random) {
    this.run = run;
    this.command = command;
    this.random = random;
    this.thread = Thread.ofPlatform().name(title).unstarted(this::occupy);
  }

  /// Whether it goes on taking turns.
  abstract boolean isOn(Run.Phase phase);

  /// The next command, and what follows from its answer.
  abstract void turn(Worker worker) throws WorkerEndedException;

  /// What is left to do when the time is up.
  abstract void sweep(Worker worker) throws WorkerEndedException;

  /// A new worker knows nothing of what the old one had.
  abstract void vacated();

  /// How much a death here counts for.
  abstract void killed(Tally tally);

  final Run run() {
    return run;
  }

  final Ledger ledger() {
    return run.ledger();
  }

  final Tally tally() {
    return run.tally();
  }

  final SplittableRandom random() {
    return random;
  }

  /// There was nothing to do.
  static void idle() {
    LockSupport.parkNanos(IDLE_NANOS);
  }

  /// One time in so many.
  final boolean once(int in) {
    return random.nextInt(in) == 0;
  }

  final void start() {
    thread.start();
  }

  final boolean isAlive() {
    return thread.isAlive();
  }

  /// Nothing takes this long but what hangs.
  final void requireProgress() {
    Worker worker = seated;
    if (worker != null && worker.busySeconds() > PATIENCE_SECONDS) {
      run.fault("a worker does not answer: doing=%s command=%s".formatted(worker.doing(), command));
      worker.kill();
    }
  }

  /// Kills the worker with SIGKILL, whatever it is doing; false when there is none yet.
  final boolean kill() {
    Worker worker = seated;
    if (worker == null || !ready) {
      return false;
    }
    ready = false;
    tally().killedWhile(worker.doing());
    killed(tally());
    worker.kill();
    return true;
  }

  private void occupy() {
    boolean swept = false;
    while (!swept && run.phase() != Run.Phase.OVER) {
      swept = serve(Worker.start(command));
      vacated();
    }
  }

  /// Whether it came to the end.
  private boolean serve(Worker worker) {
    seated = worker;
    try {
      worker.awaitReady();
      ready = true;
      while (isOn(run.phase())) {
        turn(worker);
      }
      ready = false;
      sweep(worker);
      return true;
    } catch (WorkerEndedException e) {
      if (!worker.killed()) {
        run.fault("a worker %s: command=%s".formatted(e.getMessage(), command));
      }
      return false;
    } catch (RuntimeException e) {
      run.fault("the tool itself failed: " + e);
      return false;
    } finally {
      ready = false;
      worker.end();
    }
  }
}
