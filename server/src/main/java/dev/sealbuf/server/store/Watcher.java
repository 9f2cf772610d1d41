package dev.sealbuf.server.store;

import java.util.Optional;
import java.util.function.LongSupplier;

/// One session that is told of every change under a prefix, as long as it reads.
///
/// Its sink is bounded. A change that finds no room there is dropped, and so is every one after it,
/// until the sink is empty again; then one event tells that something is missing. What is replayed
/// is not dropped but waits.
///
/// Changes are numbered by [Watchers], which may tell of them later than they happened. What
/// happened before the watcher came, or before it was told that something is missing, it is not
/// told any more.
public final class Watcher {
  /// Where events go.
  @FunctionalInterface
  public interface Sink {
    /// False if there is no room now. [Watcher#resume] is called when all that was taken has left.
    boolean offer(Event event);
  }

  private final String prefix;
  private final Sink sink;
  private final LongSupplier version;
  private final LongSupplier change;
  private final Replays replays;
  private Optional<Replays.Replay> replay = Optional.empty();
  private long known;
  private boolean overflowed;

  /// @param version of the last publication
  /// @param change number of the last change
  Watcher(String prefix, Sink sink, LongSupplier version, LongSupplier change, Replays replays) {
    this.prefix = prefix;
    this.sink = sink;
    this.version = version;
    this.change = change;
    this.replays = replays;
    this.known = change.getAsLong();
  }

  /// The sink is empty.
  public void resume() {
    if (overflowed && sink.offer(new Event.Overflow(version.getAsLong()))) {
      overflowed = false;
      known = change.getAsLong();
    }
    replay.ifPresent(replays::resume);
  }

  /// From now on it is told of what is published, too.
  void beginReplay() {
    replay = Optional.of(replays.begin(this, version.getAsLong()));
  }

  /// It has been told of all that.
  void replayed() {
    replay = Optional.empty();
  }

  void end() {
    replay.ifPresent(replays::end);
    replayed();
    known = Long.MAX_VALUE;
  }

  boolean watches(String name) {
    return name.startsWith(prefix);
  }

  /// Tells of a change, unless it does not want to know or knows already; false then.
  boolean tell(long number, String name, Event event) {
    boolean wanted = number > known && watches(name);
    if (wanted && !overflowed) {
      overflowed = !sink.offer(event);
    }
    return wanted;
  }

  /// False if there is no room now.
  boolean replay(Event event) {
    return sink.offer(event);
  }
}
