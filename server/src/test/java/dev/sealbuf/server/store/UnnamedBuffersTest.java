package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.testing.LeakCheck;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What a session published without a name goes when it ends, and nothing else.
@ExtendWith(LeakCheck.class)
@Timeout(120)
class UnnamedBuffersTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer OTHER = new Peer(9, PRODUCER.uid());
  private static final Terms REPLACE = new Terms(true, OptionalLong.empty(), OptionalLong.empty());
  private static final int MANY = 100_000;

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

  private Publication putUnnamed(Peer peer) throws Refusal {
    return store.on(
        each -> each.put(peer, Optional.empty(), ByteBuffer.wrap(new byte[] {1}), Terms.PLAIN));
  }

  private List<String> names() throws Refusal {
    List<String> names = new ArrayList<>();
    store.on(each -> {
      String page =
          StandardCharsets.UTF_8
              .decode(each.list("", 1000, 0, OptionalLong.empty()).json())
              .toString();
      for (String part : page.split("\"name\":\"", -1)) {
        names.add(part.substring(0, Math.max(0, part.indexOf('"'))));
      }
      return names.removeFirst();
    });
    return names;
  }

  @Test
  void theyGoWithTheirSessionAndNamedOnesStay() throws Refusal {
    store.put(PRODUCER, "named", "x");
    putUnnamed(PRODUCER);
    String others = putUnnamed(OTHER).name();
    Loan loan = store.later(each -> each.create(PRODUCER, Optional.empty(), 3 << 20, Terms.PLAIN));
    TestStore.write(loan, new byte[] {1});
    store.seal(PRODUCER, loan);
    assertThat(store.statistics().buffers()).isEqualTo(4);

    store.endSession(PRODUCER);

    store.await(figures -> figures.buffers() == 2);
    assertThat(names()).containsExactly("named", others);
    store.awaitUsed(emptyUsed);
  }

  @Test
  void aNameThatIsAnotherBuffersByThenStays() throws Refusal {
    Publication replaced = putUnnamed(PRODUCER);
    Publication deleted = putUnnamed(PRODUCER);
    Publication left = putUnnamed(PRODUCER);
    ByteBuffer payload = ByteBuffer.allocate(1);
    store.on(each -> each.put(OTHER, Optional.of(replaced.name()), payload, REPLACE));
    store.delete(OTHER, deleted.name());
    store.put(OTHER, deleted.name(), "again");

    store.endSession(PRODUCER);

    store.await(figures -> figures.buffers() == 2);
    assertThat(names())
        .containsExactlyInAnyOrder(replaced.name(), deleted.name())
        .doesNotContain(left.name());
  }

  @Test
  void aNameThatLooksMadeUpButWasGivenStays() throws Refusal {
    store.put(PRODUCER, "buffer-7", "x");
    store.put(PRODUCER, "buffer-", "x");
    store.put(PRODUCER, "buffer-07", "x");
    store.put(PRODUCER, "buffer-99999999999999999999", "x");
    for (int i = 0; i < 9; i++) {
      putUnnamed(PRODUCER);
    }
    store.endSession(PRODUCER);
    store.await(figures -> figures.buffers() == 4);
  }

  @Test
  void whatWasReservedOrPublishedInABatchHasAName() throws Refusal {
    Reservation right =
        (Reservation) store.later(each -> each.reserve(PRODUCER, "r", OptionalLong.empty()));
    Terms terms = new Terms(false, OptionalLong.empty(), OptionalLong.of(right.buffer()));
    store.on(each -> each.put(PRODUCER, Optional.empty(), ByteBuffer.allocate(1), terms));
    store.endSession(PRODUCER);
    putUnnamed(OTHER);
    store.endSession(OTHER);
    store.await(figures -> figures.buffers() == 1);
    assertThat(names()).containsExactly("r");
  }

  @Test
  void deletionsAreToldLikeAnyOther() throws Refusal {
    List<Event> events = new ArrayList<>();
    store.on(each -> each.watch(OTHER, "", false, events::add));
    Publication made = putUnnamed(PRODUCER);
    store.endSession(PRODUCER);
    store.await(figures -> figures.buffers() == 0);

    store.on(each -> each);
    assertThat(events)
        .hasSize(2)
        .last()
        .isInstanceOfSatisfying(
            Event.Deleted.class,
            event -> assertThat(event.record().buffer()).isEqualTo(made.buffer()));
  }

  /// Each answer in between is a turn in which others were served.
  @Test
  void aHundredThousandGoInSlices() throws Refusal {
    for (int i = 0; i < MANY / 1000; i++) {
      store.on(each -> {
        for (int j = 0; j < 1000; j++) {
          each.put(PRODUCER, Optional.empty(), ByteBuffer.allocate(1), Terms.PLAIN);
        }
        return each;
      });
    }
    assertThat(store.statistics().buffers()).isEqualTo(MANY);
    store.on(each -> {
      each.endSession(PRODUCER.session());
      assertThat(each.statistics(0).buffers()).isEqualTo(MANY);
      return each;
    });

    long turns = 0;
    for (long left = MANY; left > 0; turns++) {
      long now = store.statistics().buffers();
      assertThat(left - now).isLessThanOrEqualTo(MANY / 4);
      left = now;
    }
    assertThat(turns).isGreaterThan(10);
    store.awaitUsed(emptyUsed);
  }

  @Test
  void aStoreThatClosesMeanwhileIsNotTouchedAnyMore() throws Refusal {
    for (int i = 0; i < 2000; i++) {
      putUnnamed(PRODUCER);
    }
    store.endSession(PRODUCER);
    store.close();
  }
}
