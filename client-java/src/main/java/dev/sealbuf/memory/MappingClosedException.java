package dev.sealbuf.memory;

/// A [Mapping] was used after its owner closed or abandoned it.
public final class MappingClosedException extends IllegalStateException {
  MappingClosedException(Mapping mapping) {
    super("mapping is closed: mapping=" + mapping);
  }
}
