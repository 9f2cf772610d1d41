package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.BatchIndex;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What was published for its session goes when that ends, and nothing else.
@ExtendWith(LeakCheck.class)
@Timeout(120)
class SessionBuffersTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer OTHER = new Peer(9, PRODUCER.uid());
  private static final Terms FOR_SESSION = terms(true);
  private static final int MANY = 10_000;

  private TestStore store;
  private long emptyUsed;

  @BeforeEach
  void open() throws Refusal {
    store = new TestStore();
    emptyUsed = store.statistics().used();
  }

  @AfterEach
  void close() {
    store.close();
  }

  private static Terms terms(boolean session) {
    return new Terms(true, OptionalLong.empty(), session, OptionalLong.empty(), Form.PLAIN);
  }

  private Publication put(Peer peer, String name, Terms terms) throws Refusal {
    return store.on(
        each -> each.put(peer, Optional.of(name), ByteBuffer.wrap(new byte[] {1}), terms));
  }

  private boolean exists(String name) {
    try {
      store.delete(PRODUCER, name);
      return true;
    } catch (Refusal _) {
      return false;
    }
  }

  @Test
  void theyGoWithTheirSessionHoweverTheyWerePublished() throws Refusal {
    put(PRODUCER, "put", FOR_SESSION);
    Loan loan =
        store.later(each -> each.create(PRODUCER, Optional.of("large"), 3 << 20, FOR_SESSION));
    TestStore.write(loan, new byte[] {1});
    store.seal(PRODUCER, loan);
    List<BatchIndex.Entry> index =
        List.of(
            new BatchIndex.Entry("one", 0, 1, Optional.empty()),
            new BatchIndex.Entry("two", 1, 1, Optional.empty()));
    store.on(each -> each.putMany(PRODUCER, index, ByteBuffer.allocate(2), FOR_SESSION));
    put(PRODUCER, "stays", terms(false));
    put(OTHER, "another's", FOR_SESSION);
    assertThat(store.statistics().buffers()).isEqualTo(6);

    store.endSession(PRODUCER);

    store.await(figures -> figures.buffers() == 2);
    assertThat(exists("stays")).isTrue();
    assertThat(exists("another's")).isTrue();
    store.awaitUsed(emptyUsed);
  }

  @Test
  void aNameThatIsAnotherBuffersByThenStays() throws Refusal {
    put(PRODUCER, "replaced", FOR_SESSION);
    put(OTHER, "replaced", terms(false));
    put(PRODUCER, "deleted", FOR_SESSION);
    store.delete(OTHER, "deleted");
    put(OTHER, "deleted", terms(false));
    put(PRODUCER, "kept on", FOR_SESSION);
    put(PRODUCER, "kept on", terms(false));
    put(PRODUCER, "left", FOR_SESSION);

    store.endSession(PRODUCER);

    store.await(figures -> figures.buffers() == 3);
    assertThat(exists("left")).isFalse();
  }

  @Test
  void oneThatTakesTheNameOverGoesWithItsOwnSession() throws Refusal {
    put(PRODUCER, "handed on", FOR_SESSION);
    put(OTHER, "handed on", FOR_SESSION);
    store.endSession(PRODUCER);
    put(PRODUCER, "witness", terms(false));
    assertThat(store.statistics().buffers()).isEqualTo(2);
    store.endSession(OTHER);
    store.await(figures -> figures.buffers() == 1);
    assertThat(exists("witness")).isTrue();
  }

  @Test
  void thousandsGoInSlices() throws Refusal {
    for (int i = 0; i < MANY; i++) {
      put(i % 2 == 0 ? PRODUCER : OTHER, "n" + i, FOR_SESSION);
    }
    store.endSession(PRODUCER);
    store.endSession(OTHER);
    store.await(figures -> figures.buffers() == 0);
    put(PRODUCER, "again", FOR_SESSION);
    store.endSession(PRODUCER);
    store.await(figures -> figures.buffers() == 0);
  }

  /// A heap with 40 places, of which one uid may have 30.
  @Test
  void oneThatReplacesAnotherNeedsNoPlaceMore() throws Refusal {
    List<BatchIndex.Entry> owned = index("n0", "n1");
    List<BatchIndex.Entry> oneMore = index("n0", "new");
    ByteBuffer two = ByteBuffer.allocate(2);
    try (TestStore small = TestStore.ofHeap(40 * 8 * 768)) {
      for (int i = 0; i < 30; i++) {
        String name = "n" + i;
        small.on(each -> put(each, PRODUCER, name));
      }
      small.on(each -> put(each, PRODUCER, "n0"));
      small.on(each -> put(each, OTHER, "n1"));
      small.on(each -> each.putMany(PRODUCER, owned, two.duplicate(), FOR_SESSION));
      Loan loan =
          small.later(each -> each.create(PRODUCER, Optional.of("n2"), 3 << 20, FOR_SESSION));
      TestStore.write(loan, new byte[] {1});
      small.seal(PRODUCER, loan);

      String full =
          "too many buffers that end with a session: count=30 max=40 of_uid=30 max_of_uid=30";
      Refused.with(ErrorCode.TRY_AGAIN, full, () -> small.on(each -> put(each, PRODUCER, "new")));
      Refused.with(
          ErrorCode.TRY_AGAIN,
          full,
          () -> small.on(each -> each.putMany(PRODUCER, oneMore, two.duplicate(), FOR_SESSION)));
      small.delete(PRODUCER, "n3");
      small.on(each -> put(each, PRODUCER, "new"));
    }
  }

  private static Publication put(Store store, Peer peer, String name) throws Refusal {
    return store.put(peer, Optional.of(name), ByteBuffer.allocate(1), FOR_SESSION);
  }

  private static List<BatchIndex.Entry> index(String first, String second) {
    return List.of(
        new BatchIndex.Entry(first, 0, 1, Optional.empty()),
        new BatchIndex.Entry(second, 1, 1, Optional.empty()));
  }
}
