package dev.sealbuf.server.store;

import java.util.function.LongSupplier;

/// One session that is told of every change under a prefix, as long as it reads.
///
/// Its sink is bounded. What finds no room there is dropped, and so is everything after it, until
/// the sink is empty again; then one event tells that something is missing.
public final class Watcher {
  /// Where events go.
  @FunctionalInterface
  public interface Sink {
    /// False if there is no room now. Then [Watcher#resume] is called when all have left.
    boolean offer(Event event);
  }

  private final String prefix;
  private final Sink sink;
  private final LongSupplier version;
  private boolean overflowed;

  /// @param version of the last publication
  Watcher(String prefix, Sink sink, LongSupplier version) {
    this.prefix = prefix;
    this.sink = sink;
    this.version = version;
  }

  /// The sink has room again.
  public void resume() {
    if (overflowed) {
      overflowed = !sink.offer(new Event.Overflow(version.getAsLong()));
    }
  }

  boolean watches(String name) {
    return name.startsWith(prefix);
  }

  void tell(Event event) {
    overflowed = overflowed || !sink.offer(event);
  }
}
