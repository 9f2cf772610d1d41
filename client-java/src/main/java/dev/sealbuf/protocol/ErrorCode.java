package dev.sealbuf.protocol;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/// What can go wrong, by the error table of `protocol/PROTOCOL.md`. The constants are the codes on
/// the wire in upper case.
public enum ErrorCode {
  NOT_FOUND(true),
  ALREADY_EXISTS(true),
  STORE_FULL(true),
  QUOTA_EXCEEDED(true),
  STILL_MAPPED(true),
  NOT_PERMITTED(true),
  INVALID_NAME(true),
  INVALID_REQUEST(true),
  PROTOCOL(true),
  WRONG_VERSION(true),
  TRY_AGAIN(true),
  TOO_MANY_MAPPINGS(false),
  TIMEOUT(true),
  DISCONNECTED(true),
  NO_DAEMON(false),
  CLOSED(false);

  private final String code;
  private final boolean raisedByDaemon;

  ErrorCode(boolean raisedByDaemon) {
    this.code = name().toLowerCase(Locale.ROOT);
    this.raisedByDaemon = raisedByDaemon;
  }

  /// The code as it stands in an error frame.
  public String code() {
    return code;
  }

  /// Whether the daemon sends it; the others are a client's own.
  public boolean raisedByDaemon() {
    return raisedByDaemon;
  }

  /// The constant of a code read from an error frame; empty when a newer daemon knows more.
  public static Optional<ErrorCode> of(String code) {
    return Arrays.stream(values()).filter(each -> each.code.equals(code)).findFirst();
  }
}
