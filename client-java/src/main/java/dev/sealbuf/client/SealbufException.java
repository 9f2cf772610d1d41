package dev.sealbuf.client;

import dev.sealbuf.protocol.ErrorCode;

/// What a store can answer instead of doing what it was asked; one subtype for each code of the
/// protocol's error table. Messages say the rule first, then the evidence as `name=value`, then
/// what to do.
public abstract class SealbufException extends RuntimeException {
  private final ErrorCode code;

  SealbufException(ErrorCode code, String message) {
    super(message + "; " + advice(code));
    this.code = code;
  }

  /// The code of the error table.
  public final ErrorCode code() {
    return code;
  }

  /// The exception for a code.
  static SealbufException of(ErrorCode code, String message) {
    return switch (code) {
      case NOT_FOUND -> new NotFoundException(message);
      case ALREADY_EXISTS -> new AlreadyExistsException(message);
      case STORE_FULL -> new StoreFullException(message);
      case QUOTA_EXCEEDED -> new QuotaExceededException(message);
      case STILL_MAPPED -> new StillMappedException(message);
      case NOT_PERMITTED -> new NotPermittedException(message);
      case INVALID_NAME -> new InvalidNameException(message);
      case INVALID_REQUEST -> new InvalidRequestException(message);
      case PROTOCOL -> new ProtocolException(message);
      case WRONG_VERSION -> new WrongVersionException(message);
      case TRY_AGAIN -> new TryAgainException(message);
      case TOO_MANY_MAPPINGS -> new TooManyMappingsException(message);
      case TIMEOUT -> new TimeoutException(message);
      case DISCONNECTED -> new DisconnectedException(message);
      case NO_DAEMON -> new NoDaemonException(message);
      case CLOSED -> new ClosedException(message);
    };
  }

  /// The last column of the error table.
  private static String advice(ErrorCode code) {
    return switch (code) {
      case NOT_FOUND -> "check the name; list shows what there is";
      case ALREADY_EXISTS -> "choose another name, or delete the old buffer";
      case STORE_FULL -> "delete buffers, see holders, or raise --capacity";
      case QUOTA_EXCEEDED ->
          "finish or abort what is open; delete what is not needed; stat shows the quota";
      case STILL_MAPPED -> "drop writable views and forked copies, seal again";
      case NOT_PERMITTED -> "ask the owner of the buffer or of the daemon";
      case INVALID_NAME -> "change the name";
      case INVALID_REQUEST -> "mend the call";
      case PROTOCOL -> "report it; connect again";
      case WRONG_VERSION -> "bring both to one version";
      case TRY_AGAIN -> "wait a little and try again";
      case TOO_MANY_MAPPINGS -> "drop views";
      case TIMEOUT -> "raise the timeout, look whether the daemon is alive";
      case DISCONNECTED -> "connect again";
      case NO_DAEMON -> "start a daemon with sealbuf serve, or name its socket";
      case CLOSED -> "do not use it after close";
    };
  }
}
