package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.server.host.TemporaryGroup;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/// Where the control group, and not the capacity, is what is full.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class EvictorInGroupTest {
  private static final long LARGE = 2 << 20;
  private static final long LIMIT = 1L << 40;

  @TempDir private Path root;

  private Headroom headroom() throws IOException {
    return new Headroom(Optional.of(TemporaryGroup.below(root, LIMIT)), new ManualLoop().clock());
  }

  /// The group is charged for an evicted segment until a worker has closed it.
  @Test
  void noMoreGoesThanWasAskedForThoughItsMemoryComesBackLater() throws Refusal, IOException {
    try (Parts parts = new Parts(2 * LIMIT, headroom())) {
      Evictor evictor = parts.evictor();
      evictor.enable(true);
      parts.publish("first", LARGE).close();
      parts.publish("second", LARGE).close();
      parts.publish("third", LARGE).close();
      parts.account.charge(Account.Kind.UNFINISHED, parts.account.room());

      evictor.makeRoomForSegment(LARGE);

      assertThat(parts.names(List.of("first", "second", "third")))
          .containsExactly("second", "third");
    }
  }
}
