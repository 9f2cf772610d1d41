package dev.sealbuf.server.verify;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/// What the seats of one verification share.
final class Run {
  private static final double FLOOD_EVERY_SECONDS = 10;
  private static final double FLOOD_SECONDS = 2;

  private final Ledger ledger = new Ledger();
  private final Tally tally = new Tally();
  private final Queue<Entry> sweep = new ConcurrentLinkedQueue<>();
  private final AtomicLong names = new AtomicLong();
  private final String prefix;
  private final long room;
  private final boolean floods;
  private final Report report;
  private final long start = System.nanoTime();
  private volatile Phase phase = Phase.RUN;

  enum Phase {
    RUN,
    /// The producers come to their end.
    SETTLE,
    /// Nobody changes anything any more, and everything is looked at.
    SWEEP,
    OVER
  }

  /// @param room bytes that the buffers of this run may take
  /// @param floods whether they sometimes may take more than there is
  Run(String prefix, long room, boolean floods, Report report) {
    this.prefix = prefix;
    this.room = room;
    this.floods = floods;
    this.report = report;
  }

  Ledger ledger() {
    return ledger;
  }

  Tally tally() {
    return tally;
  }

  Queue<Entry> sweep() {
    return sweep;
  }

  Phase phase() {
    return phase;
  }

  /// Unless it is over.
  synchronized void enter(Phase next) {
    phase = phase == Phase.OVER ? Phase.OVER : next;
  }

  double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  String newName() {
    return prefix + names.incrementAndGet();
  }

  String prefix() {
    return prefix;
  }

  long room() {
    return room;
  }

  /// The largest buffer.
  long largest() {
    return room / 4;
  }

  boolean hasRoom() {
    boolean flood = floods && seconds() % FLOOD_EVERY_SECONDS > FLOOD_EVERY_SECONDS - FLOOD_SECONDS;
    return flood || ledger.bytes() < room;
  }

  void fault(String what) {
    tally.add(Tally.FAULTS);
    report.fault(what);
    enter(Phase.OVER);
  }
}
