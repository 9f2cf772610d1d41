package dev.sealbuf.server.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.access.Right;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Large buffers from create to seal, read back as another process would.
@ExtendWith(LeakCheck.class)
class LargeBufferTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer READER = TestStore.READER;
  private static final int F_GETFL = 3;
  private static final int O_ACCMODE = 3;
  private static final int O_RDONLY = 0;
  private static final int O_RDWR = 2;

  private TestStore store;
  private CatalogReader reader;

  @BeforeEach
  void open() throws Refusal {
    store = new TestStore();
    reader = new CatalogReader(store);
  }

  @AfterEach
  void close() {
    reader.close();
    store.close();
  }

  @Test
  void whatWasWrittenIsReadAfterTheSealAndNotBefore() throws Refusal {
    for (int nbytes : List.of(1, 4096, 4097, 1 << 20, (2 << 20) + 1, 5 << 20)) {
      byte[] payload = new byte[nbytes];
      new Random(nbytes).nextBytes(payload);
      String name = "n" + nbytes;
      Loan loan = store.create(PRODUCER, name, nbytes);
      TestStore.write(loan, payload);
      assertThat(reader.find(name)).isEmpty();
      Refused.with(ErrorCode.NOT_FOUND, "no buffer has this name: name=" + name, () -> open(name));

      Publication publication = store.seal(PRODUCER, loan);

      assertThat(publication.buffer()).isEqualTo(loan.buffer());
      assertThat(reader.get(name).map(got -> Arrays.equals(got, payload))).hasValue(true);
    }
  }

  @Test
  void fewerBytesThanCreatedCanBePublished() throws Refusal {
    Loan loan = store.create(PRODUCER, "short", 5 << 20);
    TestStore.write(loan, "the rest is never seen".getBytes(UTF_8));

    store.seal(PRODUCER, loan, 8);

    assertThat(reader.get("short")).hasValue("the rest".getBytes(UTF_8));
    assertThat(open("short").segmentBytes()).isEqualTo(loan.segmentBytes());
    assertThat(store.statistics().bufferBytes()).isEqualTo(8);
    assertThat(store.statistics().dedicatedBytes()).isEqualTo(loan.segmentBytes());
  }

  @Test
  void anEmptyBufferHasAPage() throws Refusal {
    Loan loan = store.create(PRODUCER, "empty", 0);
    TestStore.close(loan.descriptors());

    store.seal(PRODUCER, loan);

    assertThat(loan.segmentBytes()).isPositive();
    assertThat(reader.get("empty")).hasValue(new byte[0]);
  }

  @Test
  void theProducerGetsADescriptionToWriteAndOneToRead() throws Refusal, IOException {
    Loan loan = store.create(PRODUCER, "lent", 5000);

    assertThat(accessModes(loan.descriptors())).containsExactly(O_RDWR, O_RDONLY);
    for (Fd fd : loan.descriptors()) {
      assertThat(Memfd.seals(fd).isExactly(DedicatedSegment.LENT)).isTrue();
      assertThat(Memfd.stat(fd).bytes()).isEqualTo(loan.segmentBytes());
      assertThat(Memfd.stat(fd).mode() & 0777).isEqualTo(0600);
    }
    TestStore.close(loan.descriptors());
  }

  @Test
  void aReaderGetsOnlyDescriptionsToReadOfWhatIsSealed() throws Refusal, IOException {
    store.publish(PRODUCER, "sealed", new byte[5000]);

    Location location = store.openBuffer(READER, "sealed", OptionalLong.empty());
    assertThat(accessModes(location.descriptors())).containsExactly(O_RDONLY, O_RDONLY);
    Fd segment = location.descriptors().getLast();
    assertThat(Memfd.seals(segment).isExactly(DedicatedSegment.PUBLISHED)).isTrue();
    TestStore.close(location.descriptors());

    Location mapped = store.openBuffer(READER, "sealed", OptionalLong.of(location.slab()));
    assertThat(mapped.descriptors()).hasSize(1);
    TestStore.close(mapped.descriptors());
  }

  @Test
  void aNameIsReservedWhileItsBufferIsWritten() throws Refusal {
    Loan loan = store.create(PRODUCER, "mine", 10);
    String rule = "a buffer is being written under this name: name=mine";

    Refused.with(ErrorCode.ALREADY_EXISTS, rule, () -> store.put(READER, "mine", "x"));
    Refused.with(ErrorCode.ALREADY_EXISTS, rule, () -> store.create(READER, "mine", 1));
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no buffer has this name: name=mine",
        () -> store.delete(PRODUCER, "mine"));

    TestStore.close(loan.descriptors());
    store.abort(PRODUCER, loan.buffer());
    store.put(READER, "mine", "x");
  }

  @Test
  void unnamedBuffersAreNamedAfterTheirId() throws Refusal {
    Loan loan = store.later(each -> each.create(PRODUCER, Optional.empty(), 1, Terms.PLAIN));
    TestStore.close(loan.descriptors());

    assertThat(loan.name()).isEqualTo("buffer-" + loan.buffer());
    assertThat(store.seal(PRODUCER, loan).name()).isEqualTo(loan.name());
  }

  @Test
  void aDeletedBufferStaysReadableWhereItIsMapped() throws Refusal, IOException {
    store.publish(PRODUCER, "a", new byte[] {1, 2, 3});
    Location location = store.openBuffer(READER, "a", OptionalLong.empty());
    Statistics before = store.statistics();

    store.delete(PRODUCER, "a");

    try (Mapping mapping =
        Mapping.readOnly(location.descriptors().getLast(), location.segmentBytes())) {
      assertThat(mapping.segment().get(ValueLayout.JAVA_BYTE, 2)).isEqualTo((byte) 3);
    }
    TestStore.close(location.descriptors());
    assertThat(before.dedicated()).isEqualTo(1);
    assertThat(store.statistics().dedicated()).isZero();
    store.awaitUsed(before.used() - location.segmentBytes());
  }

  @Test
  void abortIsForTheUidThatCreatedAndTheDaemons() throws Refusal {
    Loan first = store.create(PRODUCER, "first", 10);
    Loan second = store.create(PRODUCER, "second", 10);
    TestStore.close(first.descriptors());
    TestStore.close(second.descriptors());

    Refused.with(
        ErrorCode.NOT_PERMITTED,
        "a buffer is aborted by the uid that created it: buffer=1 owner=20002 uid=20003",
        () -> store.abort(READER, first.buffer()));
    store.abort(new Peer(77, PRODUCER.uid()), first.buffer());
    store.abort(new Peer(78, TestStore.DAEMON, 0, Right.ADMINISTER), second.buffer());

    Refused.with(
        ErrorCode.NOT_FOUND,
        "no unfinished buffer has this id: buffer=1",
        () -> store.abort(PRODUCER, first.buffer()));
    assertThat(store.statistics().unfinished()).isZero();
    assertThat(store.statistics().unfinishedBytes()).isZero();
  }

  @Test
  void onlyTheSessionThatCreatedSeals() throws Refusal {
    Loan loan = store.create(PRODUCER, "mine", 10);
    TestStore.close(loan.descriptors());

    Refused.with(
        ErrorCode.NOT_PERMITTED,
        "a buffer is sealed by the session that created it: buffer=1 creator=1 session=77",
        () -> store.seal(new Peer(77, PRODUCER.uid()), loan));
    store.seal(PRODUCER, loan);
    Refused.with(
        ErrorCode.NOT_FOUND,
        "no unfinished buffer has this id: buffer=1",
        () -> store.seal(PRODUCER, loan));
  }

  @Test
  void aSealPublishesAtMostWhatWasCreated() throws Refusal {
    Loan loan = store.create(PRODUCER, "mine", 10);
    TestStore.close(loan.descriptors());

    for (long nbytes : List.of(11L, -1L, Long.MAX_VALUE, Long.MIN_VALUE)) {
      Refused.with(
          ErrorCode.INVALID_REQUEST,
          "a seal publishes at most what was created: buffer=1 nbytes=%d created=10"
              .formatted(nbytes),
          () -> store.seal(PRODUCER, loan, nbytes));
    }
    assertThat(store.seal(PRODUCER, loan, 0).buffer()).isEqualTo(1);
  }

  private Location open(String name) throws Refusal {
    Location location = store.openBuffer(READER, name, OptionalLong.empty());
    TestStore.close(location.descriptors());
    return location;
  }

  private static List<Integer> accessModes(List<Fd> descriptors) {
    return descriptors.stream()
        .map(fd -> (int) Libc.call("fcntl", fd.number(), F_GETFL) & O_ACCMODE)
        .toList();
  }
}
