package dev.sealbuf.server.session;

/// The life of a session: the table in `protocol/PROTOCOL.md`, which a test compares with this one.
public enum SessionState {
  /// Waiting for hello.
  CONNECTED,
  /// Hello was accepted.
  OPEN,
  /// Over; what still arrives is not looked at.
  CLOSED;

  /// What can happen to a session.
  public enum Event {
    /// A hello that is in order.
    HELLO,
    /// Any other request.
    REQUEST,
    /// The peer is gone, may not be here, broke the stream or a limit, or the daemon stops.
    END
  }

  /// What comes next. An event that is out of order changes nothing: it is answered with
  /// `invalid_request`.
  SessionState after(Event event) {
    return switch (event) {
      case HELLO -> this == CONNECTED ? OPEN : this;
      case REQUEST -> this;
      case END -> CLOSED;
    };
  }

  /// Whether the event is in order: hello comes first and once.
  boolean admits(Event event) {
    return switch (event) {
      case HELLO -> this == CONNECTED;
      case REQUEST -> this == OPEN;
      case END -> true;
    };
  }
}
