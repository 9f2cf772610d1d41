package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.protocol.ErrorCode;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// Asserts a refusal: its code and its whole message, or one for which that is asserted elsewhere.
final class Refused {
  private Refused() {}

  static void with(ErrorCode code, ThrowingCallable request) {
    assertThatThrownBy(request)
        .isInstanceOfSatisfying(
            Refusal.class, refusal -> assertThat(refusal.code()).isEqualTo(code));
  }

  static void with(ErrorCode code, String message, ThrowingCallable request) {
    assertThatThrownBy(request)
        .isInstanceOfSatisfying(
            Refusal.class, refusal -> assertThat(refusal.code()).isEqualTo(code))
        .hasMessage(message);
  }
}
