package dev.sealbuf.examples.s3;

import java.util.function.Supplier;
import software.amazon.awssdk.awscore.exception.AwsServiceException;

/// What S3 answers instead of bytes, in words: an answer to HEAD, for one, has no text of its own.
final class S3Failure extends RuntimeException {
  private S3Failure(Location location, AwsServiceException cause) {
    super("%s: name=%s status=%d".formatted(rule(cause), location, cause.statusCode()), cause);
  }

  /// The call's result; what S3 refuses is thrown as this.
  static <T> T explained(Location location, Supplier<T> call) {
    try {
      return call.get();
    } catch (AwsServiceException e) {
      throw new S3Failure(location, e);
    }
  }

  private static String rule(AwsServiceException e) {
    return switch (e.statusCode()) {
      case 401, 403 -> "these credentials may not read it";
      case 404 -> "there is no such object or bucket";
      case 412 -> "the object changed while it was read, run it again";
      default -> String.valueOf(e.getMessage());
    };
  }
}
