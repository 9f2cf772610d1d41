package dev.sealbuf.memory;

/// A mapping's views cannot end now, because a thread is inside a call that works on one of them (a
/// read from a channel into the segment, a native call). Nothing has changed; try again when that
/// call has returned.
public final class ViewsInUseException extends IllegalStateException {
  ViewsInUseException(Mapping mapping, IllegalStateException cause) {
    super("a thread is inside a call on a view of the mapping: mapping=" + mapping, cause);
  }
}
