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
  private final long capacity;
  private final long room;
  private final boolean overfills;
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

  /// @param capacity bytes that the store may take
  /// @param room bytes that the buffers of this run may take
  /// @param overfills whether they sometimes may take more than there is
  Run(String prefix, long capacity, long room, boolean overfills, Report report) {
    this.prefix = prefix;
    this.capacity = capacity;
    this.room = room;
    this.overfills = overfills;
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

  /// Bytes that the store may take.
  long capacity() {
    return capacity;
  }

  long room() {
    return room;
  }

  /// The largest buffer.
  long largest() {
    return room / 4;
  }

  boolean hasRoom() {
    return ledger.bytes() < room;
  }

  /// Whether more is to be published now than there is room for.
  boolean isFlooded() {
    return overfills && seconds() % FLOOD_EVERY_SECONDS > FLOOD_EVERY_SECONDS - FLOOD_SECONDS;
  }

  /// Whether the store may be filled up: it is nobody else's.
  boolean overfills() {
    return overfills;
  }

  void fault(String what) {
    tally.add(Tally.FAULTS);
    report.fault(what);
    enter(Phase.OVER);
  }
}
