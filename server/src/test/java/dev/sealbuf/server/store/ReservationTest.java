package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// The right to create a name is given to exactly one, and to the next when that one failed.
@ExtendWith(LeakCheck.class)
@Timeout(60)
class ReservationTest {
  private static final OptionalLong NONE = OptionalLong.empty();
  private static final OptionalLong LONG = OptionalLong.of(60_000);
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer READER = TestStore.READER;
  private static final long MIB = 1 << 20;

  private TestStore store;

  @BeforeEach
  void open() {
    store = new TestStore(64 * MIB, TestStore.SEGMENTS_MAX);
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void theFirstGetsTheRightAndTheOthersWhatItPuts() throws Refusal {
    Reservation right = (Reservation) reserve(PRODUCER, "a", NONE).join();
    List<CompletableFuture<Standing>> others = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      others.add(reserve(READER, "a", LONG));
    }
    assertThat(others).noneMatch(CompletableFuture::isDone);

    Publication made = put(PRODUCER, Optional.empty(), right);

    assertThat(made.name()).isEqualTo("a");
    assertThat(made.buffer()).isEqualTo(right.buffer());
    for (CompletableFuture<Standing> other : others) {
      assertThat(((Location) other.join()).record()).isEqualTo(made.record());
      TestStore.close(((Location) other.join()).descriptors());
    }
    assertThat(store.statistics().unfinished()).isZero();
  }

  @Test
  void whatIsPublishedIsReadBeforeTheOthersAreAnswered() throws Refusal {
    Reservation right = (Reservation) reserve(PRODUCER, "a", NONE).join();
    CompletableFuture<Standing> other = reserve(READER, "a", LONG);

    CompletableFuture<Standing> late =
        store
            .on(each -> {
              each.put(PRODUCER, Optional.empty(), ByteBuffer.allocate(5), terms(right));
              return each.reserve(READER, "a", NONE);
            })
            .toCompletableFuture();

    TestStore.close(((Location) late.join()).descriptors());
    TestStore.close(((Location) other.join()).descriptors());
  }

  @Test
  void itIsUsedByCreateAndSeal() throws Refusal {
    Reservation right = (Reservation) reserve(PRODUCER, "a", NONE).join();
    CompletableFuture<Standing> other = reserve(READER, "a", LONG);

    Loan loan = create(PRODUCER, 3, right);
    TestStore.write(loan, new byte[] {1, 2, 3});
    Publication made = store.seal(PRODUCER, loan);

    assertThat(loan.buffer()).isEqualTo(right.buffer());
    assertThat(((Location) other.join()).record()).isEqualTo(made.record());
    TestStore.close(((Location) other.join()).descriptors());
  }

  @Test
  void aWriterWithoutReservationIsWaitedForToo() throws Refusal {
    Loan loan = store.create(PRODUCER, "a", 3);
    CompletableFuture<Standing> other = reserve(READER, "a", LONG);

    TestStore.write(loan, new byte[] {1, 2, 3});
    store.seal(PRODUCER, loan);

    assertThat(other.join()).isInstanceOf(Location.class);
    TestStore.close(((Location) other.join()).descriptors());
  }

  @Test
  void whoDoesNotWaitIsRefusedWhileSomebodyWrites() throws Refusal {
    var _ = reserve(PRODUCER, "a", NONE);
    String message = "a buffer is being written under this name: name=a";
    Refused.with(
        ErrorCode.ALREADY_EXISTS,
        message,
        () -> store.later(each -> each.reserve(READER, "a", NONE)));
    Refused.with(ErrorCode.ALREADY_EXISTS, message, () -> store.put(READER, "a", "bytes"));
    Refused.with(ErrorCode.ALREADY_EXISTS, message, () -> store.create(READER, "a", 1));
  }

  @Test
  void anAbortHandsItToTheFirstWhoWaits() throws Refusal {
    Reservation right = (Reservation) reserve(PRODUCER, "a", NONE).join();
    CompletableFuture<Standing> first = reserve(READER, "a", LONG);
    CompletableFuture<Standing> second = reserve(READER, "a", LONG);

    store.abort(PRODUCER, right.buffer());

    assertThat(first.join()).isInstanceOf(Reservation.class);
    assertThat(second).isNotDone();
  }

  @Test
  void soDoesTheEndOfItsSession() throws Refusal {
    var _ = reserve(PRODUCER, "a", NONE);
    CompletableFuture<Standing> first = reserve(READER, "a", LONG);
    CompletableFuture<Standing> second = reserve(new Peer(3, READER.uid()), "a", LONG);

    store.endSession(PRODUCER);

    assertThat(first.join()).isInstanceOf(Reservation.class);
    store.endSession(READER);
    assertThat(second.join()).isInstanceOf(Reservation.class);
  }

  @Test
  void itIsForItsSessionAndItsName() throws Refusal {
    Reservation right = (Reservation) reserve(PRODUCER, "a", NONE).join();
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no reservation of this session has this id: buffer=1",
        () -> put(READER, Optional.of("a"), right));
    Refused.with(
        ErrorCode.INVALID_REQUEST,
        "a reservation is used for its name: buffer=1 reserved=a name=b",
        () -> put(PRODUCER, Optional.of("b"), right));
    Refused.with(
        ErrorCode.INVALID_REQUEST,
        "a buffer is sealed after create and one seal at a time: buffer=1 state=reserved",
        () -> store.later(each -> each.seal(PRODUCER, right.buffer(), NONE)));
  }

  @Test
  void aLoanThatDoesNotArriveLeavesIt() throws Refusal {
    Reservation right = (Reservation) reserve(PRODUCER, "a", NONE).join();
    CompletableFuture<Standing> other = reserve(READER, "a", LONG);

    Loan loan = create(PRODUCER, 1, right);
    TestStore.close(loan.descriptors());
    store.on(each -> {
      each.takeBack(loan.buffer());
      return each;
    });

    assertThat(other).isNotDone();
    assertThat(store.statistics().unfinished()).isZero();
    put(PRODUCER, Optional.of("a"), right);
    TestStore.close(((Location) other.join()).descriptors());
  }

  @Test
  void aCreateThatIsRefusedLeavesIt() throws Refusal {
    Reservation right = (Reservation) reserve(PRODUCER, "a", NONE).join();
    long used = store.statistics().used();
    Refused.with(
        ErrorCode.STORE_FULL,
        "no room below the capacity: requested=%d used=%d capacity=%d"
            .formatted(128 * MIB, used, 64 * MIB),
        () -> create(PRODUCER, 128 * MIB, right));
    TestStore.close(create(PRODUCER, MIB, right).descriptors());
  }

  @Test
  void itIsUsedOnce() throws Refusal {
    Reservation right = (Reservation) reserve(PRODUCER, "a", NONE).join();
    put(PRODUCER, Optional.of("a"), right);
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no reservation of this session has this id: buffer=1",
        () -> put(PRODUCER, Optional.of("a"), right));
  }

  private Publication put(Peer peer, Optional<String> name, Reservation right) throws Refusal {
    return store.on(each -> each.put(peer, name, ByteBuffer.allocate(5), terms(right)));
  }

  private Loan create(Peer peer, long nbytes, Reservation right) throws Refusal {
    return store.later(each -> each.create(peer, Optional.empty(), nbytes, terms(right)));
  }

  private static Terms terms(Reservation right) {
    return new Terms(false, NONE, OptionalLong.of(right.buffer()));
  }

  private CompletableFuture<Standing> reserve(Peer peer, String name, OptionalLong wait)
      throws Refusal {
    return store.on(each -> each.reserve(peer, name, wait)).toCompletableFuture();
  }
}
