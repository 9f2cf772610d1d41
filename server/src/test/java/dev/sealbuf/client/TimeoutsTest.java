package dev.sealbuf.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Deadline;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A timeout that is not positive does not wait, and does not refuse what needs no waiting either.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class TimeoutsTest {
  private static final int LARGE = 1 << 20;
  private static final long A_MOMENT = 1_000_000;
  private static final Deadline PASSED = Deadline.after(Duration.ZERO);

  private Sealbuf store;

  @BeforeEach
  void connect() {
    store = DaemonProcess.shared().connect();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void aPutThatDoesNotWaitForRoomIsDoneWhereThereIsRoom() {
    for (Duration none : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
      PutOptions options = PutOptions.NONE.replacing().withTimeout(none);
      store.put("timeouts/small", "hello".getBytes(UTF_8), options);
      store.put("timeouts/large", new byte[LARGE], options);
    }
    store.delete("timeouts/small", "timeouts/large");
  }

  @Test
  void whoPollsAWatchGetsTheEventsThatAreThere() {
    try (Watch watch = store.watch("timeouts/", false)) {
      assertThat(watch.next(Duration.ZERO)).isEmpty();
      store.put("timeouts/watched", "hello".getBytes(UTF_8));
      Optional<Event> event = watch.next(Duration.ZERO);
      while (event.isEmpty()) {
        LockSupport.parkNanos(A_MOMENT);
        event = watch.next(Duration.ZERO);
      }
      assertThat(event.get().name()).isEqualTo("timeouts/watched");
    }
    store.delete("timeouts/watched");
  }

  @Test
  void aRequestThatCameTooLateLeavesTheConnectionToOthers() {
    Session session = store.session();
    assertThatThrownBy(() -> session.opener().get("absent", "absent".getBytes(UTF_8), PASSED))
        .isInstanceOfAny(NotFoundException.class, TimeoutException.class);
    assertThatThrownBy(() -> session.waiting().takeNow("absent", PASSED))
        .isInstanceOf(TimeoutException.class);
    assertThat(store.ping()).isPositive();
    assertThat(store.session()).isSameAs(session);
  }
}
