package dev.sealbuf.server.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.server.access.Right;
import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// A name leads from one buffer to the next in one step.
@ExtendWith(LeakCheck.class)
class ReplaceTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Terms REPLACE = new Terms(true, OptionalLong.empty(), OptionalLong.empty());

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
  void aReplacedBufferIsAnotherOneWithTheSameName() throws Refusal {
    Publication old = store.put(PRODUCER, "a", "1");
    Statistics before = store.statistics();

    Publication replacement = replace(PRODUCER, "a", "23");

    assertThat(replacement.buffer()).isGreaterThan(old.buffer());
    assertThat(replacement.version()).isEqualTo(old.version() + 1);
    assertThat(reader.get("a")).hasValue("23".getBytes(UTF_8));
    Statistics after = store.statistics();
    assertThat(after.buffers()).isEqualTo(1);
    assertThat(after.bufferBytes()).isEqualTo(before.bufferBytes() + 1);
    store.delete(PRODUCER, "a");
    assertThat(store.statistics().buffers()).isZero();
  }

  @Test
  void aNameThatNobodyHasIsPublished() throws Refusal {
    replace(PRODUCER, "a", "1");

    assertThat(reader.get("a")).hasValue("1".getBytes(UTF_8));
  }

  @Test
  void aReplacedNameStaysInItsSlot() throws Refusal {
    for (String name : Collisions.names(3)) {
      store.put(PRODUCER, name, "old");
    }
    for (String name : Collisions.names(3)) {
      replace(PRODUCER, name, "new");
      assertThat(reader.find(name).map(CatalogReader.Found::payload))
          .hasValue("new".getBytes(UTF_8));
    }
    // A name that had moved behind the others would be found no more now.
    store.delete(PRODUCER, Collisions.names(3).getLast());
    store.delete(PRODUCER, Collisions.names(3).getFirst());
    assertThat(reader.findInCatalog(Collisions.names(2).getLast())).isPresent();
  }

  @Test
  void aSpilledNameIsReplacedToo() throws Refusal {
    for (String name : Collisions.names(33)) {
      store.put(PRODUCER, name, "old");
    }
    String spilled = Collisions.names(33).getLast();

    replace(PRODUCER, spilled, "new");

    assertThat(reader.ask(spilled).map(CatalogReader.Found::payload))
        .hasValue("new".getBytes(UTF_8));
  }

  @Test
  void onlyWhoPublishedOrTheDaemonMayReplace() throws Refusal {
    store.put(PRODUCER, "a", "1");

    String refusal =
        "a buffer is deleted by the uid that published it: name=a owner=20002 uid=20003";
    Refused.with(ErrorCode.NOT_PERMITTED, refusal, () -> replace(TestStore.READER, "a", "2"));
    Refused.with(
        ErrorCode.NOT_PERMITTED,
        refusal,
        () -> store.later(each -> each.create(TestStore.READER, Optional.of("a"), 1, REPLACE)));
    replace(new Peer(9, TestStore.DAEMON, 0, Right.ADMINISTER), "a", "3");
    assertThat(reader.get("a")).hasValue("3".getBytes(UTF_8));
  }

  @Test
  void aLargeBufferReplacesWhenItIsSealed() throws Refusal {
    byte[] first = new byte[300_000];
    byte[] second = new byte[400_000];
    second[0] = 2;
    store.publish(PRODUCER, "a", first);
    Loan loan = store.later(each -> each.create(PRODUCER, Optional.of("a"), 400_000, REPLACE));
    TestStore.write(loan, second);
    assertThat(reader.get("a")).hasValue(first);
    Refused.with(
        ErrorCode.ALREADY_EXISTS,
        "a buffer is being written under this name: name=a",
        () -> replace(PRODUCER, "a", "x"));

    store.seal(PRODUCER, loan);

    assertThat(reader.get("a")).hasValue(second);
    store.await(figures -> figures.dedicated() == 1);
    replace(PRODUCER, "a", "small");
    assertThat(reader.get("a")).hasValue("small".getBytes(UTF_8));
    store.await(figures -> figures.dedicated() == 0);
  }

  @Test
  void whatWasDeletedMeanwhileIsPublishedAnew() throws Refusal {
    store.put(PRODUCER, "a", "1");
    Loan loan = store.later(each -> each.create(PRODUCER, Optional.of("a"), 5, REPLACE));
    TestStore.write(loan, "large".getBytes(UTF_8));
    store.delete(PRODUCER, "a");

    store.seal(PRODUCER, loan);

    assertThat(reader.get("a")).hasValue("large".getBytes(UTF_8));
    assertThat(store.statistics().buffers()).isEqualTo(1);
  }

  private Publication replace(Peer peer, String name, String payload) throws Refusal {
    ByteBuffer bytes = ByteBuffer.wrap(payload.getBytes(UTF_8));
    return store.on(each -> each.put(peer, Optional.of(name), bytes, REPLACE));
  }
}
