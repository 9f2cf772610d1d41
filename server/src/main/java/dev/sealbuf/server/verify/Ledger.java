package dev.sealbuf.server.verify;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/// What was acknowledged, and so must be found; and what was asked for, and so may be.
///
/// A change is noted before a worker is told of it, and settled by the worker's answer. Time is a
/// counter that each note advances. A buffer that was read between two times must have been
/// possible at some moment between them.
final class Ledger {
  private static final int TRIES = 8;
  private static final int GONE_KEPT = 64;

  private final Map<String, Entry> known = new HashMap<>();
  private final List<Entry> live = new ArrayList<>();
  private final ArrayDeque<Entry> gone = new ArrayDeque<>();
  private long time;
  private long bytes;

  synchronized long now() {
    return time;
  }

  /// Bytes of all that may be published.
  synchronized long bytes() {
    return bytes;
  }

  synchronized int size() {
    return live.size();
  }

  synchronized List<Entry> all() {
    return List.copyOf(known.values());
  }

  synchronized boolean knows(String name) {
    return known.containsKey(name);
  }

  /// A name under which there is nothing yet, or nothing that the ledger knows of.
  synchronized Entry add(String name) {
    Entry entry = new Entry(name);
    entry.open(Label.ABSENT, ++time);
    entry.setBusy(true);
    entry.moveTo(live.size());
    live.add(entry);
    known.put(name, entry);
    return entry;
  }

  /// A name that nobody changes at the moment, for the caller to change.
  synchronized Optional<Entry> take(SplittableRandom random) {
    for (int i = 0; i < TRIES && !live.isEmpty(); i++) {
      Entry entry = live.get(random.nextInt(live.size()));
      if (!entry.busy()) {
        entry.setBusy(true);
        return Optional.of(entry);
      }
    }
    return Optional.empty();
  }

  /// Any name to look at, also while it is being changed.
  synchronized Optional<Entry> any(SplittableRandom random) {
    return live.isEmpty() ? Optional.empty() : Optional.of(live.get(random.nextInt(live.size())));
  }

  /// A name that was deleted not long ago.
  synchronized Optional<Entry> anyGone() {
    return Optional.ofNullable(gone.peekFirst());
  }

  /// Somebody is about to be told to publish this, or to delete ([Label#ABSENT]).
  synchronized void begin(Entry entry, Label label) {
    account(entry, () -> entry.open(label, ++time));
  }

  /// It is done: there is nothing else under that name.
  synchronized void done(Entry entry, Label label) {
    if (entry.doubtful()) { // what its killed worker asked for may still come
      retire(entry);
      return;
    }
    account(entry, () -> entry.settle(label, ++time));
    giveBack(entry);
  }

  /// It was refused: everything is as before.
  synchronized void refused(Entry entry, Label label) {
    time++;
    account(entry, () -> entry.strike(label));
    giveBack(entry);
  }

  /// Whoever was told has died before it answered.
  synchronized void unanswered(Entry entry) {
    time++;
    entry.doubt();
    entry.setBusy(false);
  }

  synchronized List<Label> possible(Entry entry, long since) {
    return entry.since(since);
  }

  synchronized boolean isOver(Entry entry, Label label) {
    return entry.isOver(label);
  }

  synchronized boolean mayBeAbsent(Entry entry) {
    return entry.mayBeAbsent();
  }

  synchronized String describe(Entry entry) {
    return entry.toString();
  }

  /// The names that the store lists and that nobody was told to publish.
  synchronized List<Entry> unknown(Collection<String> listed) {
    return listed.stream().filter(name -> !known.containsKey(name)).map(this::add).toList();
  }

  private void account(Entry entry, Runnable change) {
    long before = entry.bytes();
    change.run();
    bytes += entry.place() < 0 ? 0 : entry.bytes() - before;
  }

  private void giveBack(Entry entry) {
    entry.setBusy(false);
    if (entry.isAbsent()) {
      known.remove(entry.name());
      retire(entry);
    }
  }

  private void retire(Entry entry) {
    bytes -= entry.bytes();
    Entry last = live.removeLast();
    if (last != entry) {
      live.set(entry.place(), last);
      last.moveTo(entry.place());
    }
    entry.moveTo(-1);
    gone.addLast(entry);
    if (gone.size() > GONE_KEPT) {
      gone.removeFirst();
    }
  }
}
