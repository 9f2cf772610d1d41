package dev.sealbuf.server.store;

import java.util.Optional;
import java.util.function.LongSupplier;

/// One session that is told of every change under a prefix, as long as it reads.
///
/// Its sink is bounded. A change that finds no room there is dropped, and so is every one after it,
/// until the sink is empty again; then one event tells that something is missing. What is replayed
/// is not dropped but waits.
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
  private final Replays replays;
  private Optional<Replays.Replay> replay = Optional.empty();
  private boolean overflowed;

  /// @param version of the last publication
  Watcher(String prefix, Sink sink, LongSupplier version, Replays replays) {
    this.prefix = prefix;
    this.sink = sink;
    this.version = version;
    this.replays = replays;
  }

  /// The sink is empty.
  public void resume() {
    if (overflowed) {
      overflowed = !sink.offer(new Event.Overflow(version.getAsLong()));
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
  }

  boolean watches(String name) {
    return name.startsWith(prefix);
  }

  void tell(Event event) {
    overflowed = overflowed || !sink.offer(event);
  }

  /// False if there is no room now.
  boolean replay(Event event) {
    return sink.offer(event);
  }
}
