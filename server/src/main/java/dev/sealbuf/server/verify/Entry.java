package dev.sealbuf.server.verify;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/// One name in the [Ledger], under whose lock it is: what may be found there, from when until when.
final class Entry {
  private static final long NEVER = Long.MAX_VALUE;

  private final String name;
  private final List<Possible> history = new ArrayList<>();
  private int place = -1;
  private boolean busy;
  private boolean doubtful;

  private static final class Possible {
    private final Label label;
    private final long from;
    private long until = NEVER;

    Possible(Label label, long from) {
      this.label = label;
      this.from = from;
    }
  }

  Entry(String name) {
    this.name = name;
  }

  String name() {
    return name;
  }

  /// Where it stands among the live ones; -1 for not at all.
  int place() {
    return place;
  }

  void moveTo(int to) {
    place = to;
  }

  /// Whether somebody is changing it.
  boolean busy() {
    return busy;
  }

  void setBusy(boolean changing) {
    busy = changing;
  }

  /// Whether a worker died while it changed this: what it asked for may come to pass late, or
  /// never. Such a name is read and deleted, and never used again.
  boolean doubtful() {
    return doubtful;
  }

  void doubt() {
    doubtful = true;
  }

  void open(Label label, long now) {
    history.add(new Possible(label, now));
  }

  /// From now on there is nothing but this.
  void settle(Label label, long now) {
    history.stream()
        .filter(each -> each.until == NEVER && !each.label.equals(label))
        .forEach(each -> each.until = now);
  }

  /// It was refused, so it never was.
  void strike(Label label) {
    history.removeIf(each -> each.label.equals(label));
  }

  /// Bytes of what may be there now.
  long bytes() {
    return history.stream()
        .filter(each -> each.until == NEVER)
        .mapToLong(each -> each.label.nbytes())
        .sum();
  }

  boolean isAbsent() {
    return history.stream()
        .allMatch(each -> each.until != NEVER || each.label.equals(Label.ABSENT));
  }

  /// Whether it is no more, for sure.
  boolean isOver(Label label) {
    return history.stream().anyMatch(each -> each.label.equals(label) && each.until != NEVER);
  }

  boolean mayBeAbsent() {
    return history.stream()
        .anyMatch(each -> each.until == NEVER && each.label.equals(Label.ABSENT));
  }

  /// What may have been found between then and now.
  List<Label> since(long then) {
    return history.stream().filter(each -> each.until > then).map(each -> each.label).toList();
  }

  @Override
  public String toString() {
    return "%s%s%s: %s"
        .formatted(
            name,
            busy ? " (being changed)" : "",
            doubtful ? " (its worker was killed)" : "",
            history.stream()
                .map(each ->
                    "%s from %d%s"
                        .formatted(
                            each.label, each.from, each.until == NEVER ? "" : " to " + each.until))
                .collect(Collectors.joining("; ")));
  }
}
