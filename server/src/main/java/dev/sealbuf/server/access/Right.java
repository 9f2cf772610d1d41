package dev.sealbuf.server.access;

/// What a peer may do in a namespace. Each right has those before it in it.
public enum Right {
  /// To see names, and to map and read buffers. Whoever may map the catalog sees everything, so
  /// there is no right to publish without this one.
  READ,
  /// To add names, and to delete and replace its own.
  PUBLISH,
  /// To delete, replace and abort what others published.
  ADMINISTER;

  public boolean includes(Right other) {
    return compareTo(other) >= 0;
  }
}
