package dev.sealbuf.server.verify;

import dev.sealbuf.client.BufferInfo;
import dev.sealbuf.client.NotFoundException;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.Statistics;
import dev.sealbuf.server.config.ByteSize;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/// One run of `sealbuf verify`, from the start of its processes to the summary.
public final class Verification {
  private static final String CAPACITY = "256MiB";
  private static final long ROOM_MIN = 1 << 20;
  private static final long ROOM_MAX = 128 << 20;
  private static final int SEATS = 2;
  private static final int SETTLE_TRIALS = 50;
  private static final Duration SETTLE_PAUSE = Duration.ofMillis(200);

  private final Plan plan;
  private final Report report;
  private final CountDownLatch interrupted = new CountDownLatch(1);

  /// What to do.
  ///
  /// @param kills producers a second that are killed, and as many readers
  /// @param socket of a running daemon; without it a private one is started
  /// @param python with the client in it; without it there are workers in Java only
  public record Plan(
      Duration duration,
      double kills,
      long seed,
      Optional<Path> socket,
      String namespace,
      Optional<String> python) {}

  public Verification(Plan plan, Report report) {
    this.plan = plan;
    this.report = report;
  }

  /// Whether this Python can have workers.
  public static boolean isUsable(String python) {
    return Words.isUsable(python);
  }

  /// Ends it before its time, with a summary.
  public void interrupt() {
    interrupted.countDown();
  }

  /// Whether there was no fault.
  public boolean run() throws InterruptedException {
    if (plan.socket().isPresent()) {
      return verify(plan.socket().get(), Optional.empty());
    }
    Worker daemon = Worker.start(Words.java(DaemonMain.class, List.of(), List.of(CAPACITY)));
    try {
      Path socket = Path.of(daemon.awaitReady().path("socket").asString());
      return verify(socket, Optional.of(daemon));
    } catch (WorkerEndedException e) {
      report.fault("the private daemon " + e.getMessage());
      return false;
    } finally {
      daemon.end();
    }
  }

  private boolean verify(Path socket, Optional<Worker> daemon) throws InterruptedException {
    try (Sealbuf store = WorkerMain.connect(socket, plan.namespace())) {
      Run run = run(store);
      announce(run, socket);
      Optional<Footprint> start = footprint(run, daemon, store);
      work(run, socket, store);
      clean(run, store);
      start.ifPresent(before -> compare(run, before, daemon, store));
      report.summary(run.seconds(), run.tally());
      return run.tally().get(Tally.FAULTS) == 0;
    }
  }

  private Run run(Sealbuf store) {
    Statistics stats = store.stats();
    String prefix = "verify/%d-%d/".formatted(ProcessHandle.current().pid(), plan.seed());
    boolean alone = plan.socket().isEmpty();
    long free = stats.capacity() - stats.used();
    long room = Math.clamp(free / (alone ? 2 : 4), ROOM_MIN, ROOM_MAX);
    return new Run(prefix, stats.capacity(), room, alone, report);
  }

  private void announce(Run run, Path socket) {
    report.note(
        "verifying %s: seed=%d names=%s room=%s largest=%s"
            .formatted(
                plan.socket().isPresent() ? socket : "a private daemon of " + CAPACITY,
                plan.seed(),
                run.prefix(),
                ByteSize.human(run.room()),
                ByteSize.human(run.largest())));
    report.note(
        plan.python()
            .map(python -> "workers in Java and in Python: python=" + python)
            .orElse(
                "workers in Java alone: no python3 with sealbuf was found, --python names one"));
  }

  private void work(Run run, Path socket, Sealbuf store) throws InterruptedException {
    SplittableRandom random = new SplittableRandom(plan.seed());
    List<Producer> producers = new ArrayList<>();
    List<Reader> readers = new ArrayList<>();
    for (int i = 0; i < SEATS; i++) {
      for (List<String> command : commands(socket)) {
        producers.add(new Producer(run, "producer", command, random.split()));
        readers.add(new Reader(run, "reader", command, random.split()));
      }
    }
    List<Seat> seats = Stream.<Seat>concat(producers.stream(), readers.stream()).toList();
    seats.forEach(Seat::start);
    new Killer(run, producers, plan.kills(), random.split()).start();
    new Killer(run, readers, plan.kills(), random.split()).start();
    double end = run.seconds() + plan.duration().toMillis() / 1e3;
    watch(
        run,
        seats,
        () -> run.seconds() < end && interrupted.getCount() > 0 && run.phase() == Run.Phase.RUN);
    run.enter(Run.Phase.SETTLE);
    watch(run, seats, () -> producers.stream().anyMatch(Seat::isAlive));
    run.sweep().addAll(run.ledger().all());
    run.sweep().addAll(run.ledger().unknown(listed(run, store)));
    run.enter(Run.Phase.SWEEP);
    watch(run, seats, () -> readers.stream().anyMatch(Seat::isAlive));
  }

  private List<List<String>> commands(Path socket) {
    List<String> arguments = List.of(socket.toString(), plan.namespace());
    List<List<String>> commands = new ArrayList<>();
    commands.add(Words.java(WorkerMain.class, List.of(Words.SHORT_LIVED), arguments));
    plan.python().ifPresent(python -> commands.add(Words.python(python, arguments)));
    return commands;
  }

  /// Prints a line a second while something goes on.
  private void watch(Run run, List<Seat> seats, BooleanSupplier goesOn)
      throws InterruptedException {
    long printed = (long) run.seconds();
    while (goesOn.getAsBoolean()) {
      pause();
      if ((long) run.seconds() > printed) {
        printed = (long) run.seconds();
        report.second(run.seconds(), run.tally());
        seats.forEach(Seat::requireProgress);
      }
    }
  }

  private void pause() throws InterruptedException {
    long millis = 20;
    if (interrupted.getCount() > 0) {
      interrupted.await(millis, TimeUnit.MILLISECONDS);
    } else {
      TimeUnit.MILLISECONDS.sleep(millis);
    }
  }

  private static List<String> listed(Run run, Sealbuf store) {
    return store.list(run.prefix()).stream().map(BufferInfo::name).toList();
  }

  /// Takes everything of this run out of the store, also what its ledger does not have.
  private static void clean(Run run, Sealbuf store) {
    for (String name : listed(run, store)) {
      try {
        store.delete(name);
      } catch (NotFoundException _) {
        // Somebody else cleans too.
      }
    }
    List<String> left = listed(run, store);
    if (!left.isEmpty()) {
      run.fault("names are there after their deletion: names=" + left);
    }
  }

  private Optional<Footprint> footprint(Run run, Optional<Worker> daemon, Sealbuf store) {
    if (daemon.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Optional.of(Footprint.of(daemon.get().ask("footprint", Map.of()), store.stats()));
    } catch (WorkerEndedException e) {
      run.fault("the private daemon " + e.getMessage());
      return Optional.empty();
    }
  }

  /// What the daemon took at the start it must take at the end, soon after.
  private void compare(Run run, Footprint start, Optional<Worker> daemon, Sealbuf store) {
    Footprint end = start;
    for (int i = 0; i < SETTLE_TRIALS; i++) {
      Optional<Footprint> now = footprint(run, daemon, store);
      if (now.isEmpty()) {
        return;
      }
      end = now.get();
      if (end.isBackAt(start)) {
        break;
      }
      sleep();
    }
    report.note("daemon at the start: " + start);
    report.note("daemon at the end:   " + end);
    if (!end.isBackAt(start)) {
      run.fault("the daemon did not come back to its start");
    }
  }

  private static void sleep() {
    try {
      Thread.sleep(SETTLE_PAUSE);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts this", e);
    }
  }
}
