package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.BufferRecord;
import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.LayoutException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// A hold opens a buffer once, whatever happened to its name, and costs nothing afterwards.
@ExtendWith(LeakCheck.class)
@Timeout(120)
class HoldsTest {
  private static final Peer PRODUCER = TestStore.PRODUCER;
  private static final Peer READER = TestStore.READER;
  private static final OptionalLong NOT_MAPPED = OptionalLong.empty();
  private static final byte[] LARGE = new byte[3 << 20];

  private final ClockAhead clock = new ClockAhead();
  private TestStore store;
  private long emptyUsed;

  @BeforeEach
  void open() throws Refusal {
    Arrays.fill(LARGE, (byte) 7);
    store =
        new TestStore(TestStore.CAPACITY, TestStore.SEGMENTS_MAX, NamespacePolicy.DEFAULT, clock);
    emptyUsed = store.statistics().used();
  }

  @AfterEach
  void close() {
    store.close();
  }

  private long hold(Peer peer, Publication made) throws Refusal {
    return store.on(each -> each.hold(peer, made.name(), made.buffer()));
  }

  private Location openHeld(Peer peer, Publication made, long hold) throws Refusal {
    return openHeld(peer, made, hold, NOT_MAPPED);
  }

  private Location openHeld(Peer peer, Publication made, long hold, OptionalLong slab)
      throws Refusal {
    return store.on(each -> {
      Opening opening = each.openHeld(peer, made.name(), made.buffer(), hold, slab);
      opening.commit().run();
      return opening.location();
    });
  }

  /// The bytes at a place of which both descriptors came; closes them.
  private static byte[] read(Location location) {
    List<Fd> fds = location.descriptors();
    try (Mapping slab = Mapping.readOnly(fds.getFirst(), location.slabBytes())) {
      BufferRecord record = BufferRecord.read(slab.segment(), location.record());
      if (location.segment() == 0) {
        return bytes(slab, record);
      }
      try (Mapping dedicated = Mapping.readOnly(fds.getLast(), location.segmentBytes())) {
        return bytes(dedicated, record);
      }
    } catch (IOException | LayoutException e) {
      throw new AssertionError(e);
    } finally {
      TestStore.close(fds);
    }
  }

  private static byte[] bytes(Mapping segment, BufferRecord record) {
    return segment
        .segment()
        .asSlice(record.offset(), record.nbytes())
        .toArray(ValueLayout.JAVA_BYTE);
  }

  private void isNotLeft(Publication made, long hold) {
    Refused.with(
        ErrorCode.NOT_FOUND,
        "this buffer does not have this name, and no such hold is left: buffer=%d name=%s"
            .formatted(made.buffer(), made.name()),
        () -> openHeld(READER, made, hold));
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void aSmallBufferIsReadOnceAfterItsNameWasDeleted() throws Refusal {
    Publication made = store.put(PRODUCER, "a", "small");
    long hold = hold(PRODUCER, made);
    store.delete(PRODUCER, "a");

    Location location = openHeld(READER, made, hold);
    assertThat(location.segment()).isZero();
    assertThat(read(location)).isEqualTo(text("small"));
    isNotLeft(made, hold);
  }

  @Test
  void aLargeBufferIsReadOnceAndItsMemoryGoesThen() throws Refusal {
    Publication made = store.publish(PRODUCER, "a", LARGE);
    long hold = hold(PRODUCER, made);
    store.delete(PRODUCER, "a");
    store.await(figures -> figures.held() == 1);
    assertThat(store.statistics().heldBytes()).isGreaterThanOrEqualTo(LARGE.length);

    Location location = openHeld(READER, made, hold);
    assertThat(location.descriptors()).hasSize(2);
    assertThat(read(location)).isEqualTo(LARGE);
    isNotLeft(made, hold);
    store.awaitUsed(emptyUsed);
  }

  @Test
  void whoHasTheSlabMappedGetsNoDescriptorOfIt() throws Refusal {
    Publication small = store.put(PRODUCER, "a", "x");
    Publication large = store.publish(PRODUCER, "b", LARGE);
    long ofSmall = hold(PRODUCER, small);
    long ofLarge = hold(PRODUCER, large);
    store.delete(PRODUCER, "a");
    store.delete(PRODUCER, "b");

    OptionalLong slab = OptionalLong.of(small.slab());
    assertThat(openHeld(READER, small, ofSmall, slab).descriptors()).isEmpty();
    Location location = openHeld(READER, large, ofLarge, slab);
    assertThat(location.descriptors()).hasSize(1);
    TestStore.close(location.descriptors());
  }

  @Test
  void aBufferWhoseNameWasReplacedIsStillTheOldOne() throws Refusal {
    Publication old = store.put(PRODUCER, "a", "old");
    long hold = hold(PRODUCER, old);
    Terms replace = new Terms(true, OptionalLong.empty(), OptionalLong.empty());
    store.on(each -> each.put(PRODUCER, Optional.of("a"), ByteBuffer.wrap(text("new")), replace));

    assertThat(read(openHeld(READER, old, hold))).isEqualTo(text("old"));
    assertThat(read(store.openBuffer(READER, "a", NOT_MAPPED))).isEqualTo(text("new"));
  }

  @Test
  void whileTheNameIsItsOwnNoHoldIsNeededAndOneIsUsedUp() throws Refusal {
    Publication made = store.put(PRODUCER, "a", "x");
    long hold = hold(PRODUCER, made);
    assertThat(read(openHeld(READER, made, hold == 1 ? 2 : 1))).isEqualTo(text("x"));
    assertThat(read(openHeld(READER, made, hold))).isEqualTo(text("x"));
    assertThat(read(openHeld(READER, made, hold))).isEqualTo(text("x"));

    store.delete(PRODUCER, "a");
    isNotLeft(made, hold);
  }

  @Test
  void aWrongNumberBufferOrNameUsesNothingUp() throws Refusal {
    Publication made = store.put(PRODUCER, "a", "a");
    Publication other = store.put(PRODUCER, "b", "b");
    long hold = hold(PRODUCER, made);
    store.delete(PRODUCER, "a");
    store.delete(PRODUCER, "b");

    isNotLeft(made, hold == 1 ? 2 : 1);
    isNotLeft(other, hold);
    Refused.with(
        ErrorCode.NOT_FOUND,
        "this buffer does not have this name, and no such hold is left: buffer=%d name=b"
            .formatted(made.buffer()),
        () -> store.on(each -> each.openHeld(READER, "b", made.buffer(), hold, NOT_MAPPED)));
    assertThat(read(openHeld(READER, made, hold))).isEqualTo(text("a"));
  }

  @Test
  void withoutCommitNothingIsUsedUp() throws Refusal {
    Publication made = store.put(PRODUCER, "a", "a");
    long hold = hold(PRODUCER, made);
    store.delete(PRODUCER, "a");
    Opening refused = store.on(each -> each.openHeld(READER, "a", made.buffer(), hold, NOT_MAPPED));
    TestStore.close(refused.location().descriptors());

    assertThat(read(openHeld(READER, made, hold))).isEqualTo(text("a"));
  }

  @Test
  void onlyABufferThatHasItsNameIsHeld() throws Refusal {
    Publication made = store.put(PRODUCER, "a", "x");
    Refused.with(
        ErrorCode.NOT_FOUND,
        "this buffer does not have this name: buffer=%d name=a".formatted(made.buffer() + 1),
        () -> store.on(each -> each.hold(PRODUCER, "a", made.buffer() + 1)));
    store.delete(PRODUCER, "a");
    Refused.with(
        ErrorCode.NOT_FOUND,
        "this buffer does not have this name: buffer=%d name=a".formatted(made.buffer()),
        () -> hold(PRODUCER, made));
  }

  @Test
  void afterItsTimeAHoldIsGoneWithItsMemoryAndItsDescriptors() throws Refusal {
    long descriptors = TestStore.openDescriptors();
    Publication large = store.publish(PRODUCER, "large", LARGE);
    Publication small = store.put(PRODUCER, "small", "x");
    List<Long> ofLarge = List.of(hold(PRODUCER, large), hold(PRODUCER, large));
    long ofSmall = hold(PRODUCER, small);
    assertThat(TestStore.openDescriptors()).isEqualTo(descriptors + 3);
    store.delete(PRODUCER, "large");
    store.delete(PRODUCER, "small");

    clock.pass(Duration.ofSeconds(Limits.HOLD_SECONDS - 2));
    assertThat(read(openHeld(READER, large, ofLarge.getFirst()))).isEqualTo(LARGE);
    clock.pass(Duration.ofSeconds(2));

    isNotLeft(large, ofLarge.getLast());
    isNotLeft(small, ofSmall);
    store.awaitUsed(emptyUsed);
    store.await(_ -> TestStore.openDescriptors() == descriptors);
    assertThat(store.statistics().held()).isZero();
  }

  @Test
  void aHoldOutlivesItsSessionAndIsForAnyUid() throws Refusal {
    Publication made = store.publish(PRODUCER, "a", LARGE);
    long hold = hold(PRODUCER, made);
    store.delete(PRODUCER, "a");
    store.endSession(PRODUCER);

    assertThat(read(openHeld(READER, made, hold))).isEqualTo(LARGE);
    store.awaitUsed(emptyUsed);
  }

  @Test
  void aUidHasItsShareOfHoldsWhateverItsSessions() throws Refusal {
    Publication made = store.put(PRODUCER, "a", "x");
    long first = hold(PRODUCER, made);
    for (int i = 1; i < Limits.HOLDS_MAX; i++) {
      hold(new Peer(100 + i % 3, PRODUCER.uid()), made);
    }
    Refused.with(
        ErrorCode.QUOTA_EXCEEDED,
        "too many holds of one uid: holds=4096 max=4096",
        () -> hold(PRODUCER, made));
    hold(READER, made);

    TestStore.close(openHeld(READER, made, first).descriptors());
    hold(PRODUCER, made);
    clock.pass(Duration.ofSeconds(Limits.HOLD_SECONDS));
    hold(PRODUCER, made);
  }

  @Test
  void compactionLeavesTheOldSlabToAHoldAndMovesTheName() throws Refusal {
    Publication made = store.put(PRODUCER, "a", "held");
    long before = hold(PRODUCER, made);
    long after = hold(PRODUCER, made);
    leaveLittleInSlabs();
    store.await(figures -> figures.held() == 1);

    Location moved = openHeld(READER, made, before);
    assertThat(moved.slab()).isNotEqualTo(made.slab());
    assertThat(read(moved)).isEqualTo(text("held"));
    store.delete(PRODUCER, "a");
    Location old = openHeld(READER, made, after);
    assertThat(old.slab()).isEqualTo(made.slab());
    assertThat(read(old)).isEqualTo(text("held"));
    store.await(figures -> figures.held() == 0 && figures.slabs() <= 3);
  }

  /// In the first one what is there, in five more a little more.
  private void leaveLittleInSlabs() throws Refusal {
    for (int i = 0; i < 48; i++) {
      store.put(PRODUCER, "n" + i, new byte[isLeft(i) ? 1000 : 250_000]);
    }
    for (int i = 0; i < 48; i++) {
      if (!isLeft(i)) {
        store.delete(PRODUCER, "n" + i);
      }
    }
  }

  private static boolean isLeft(int i) {
    return i > 8 && i % 8 == 7;
  }

  @Test
  void whatOnlyAHoldKeepsIsToldOfUnderTheSessionThatAskedForIt() throws Refusal {
    store.on(each -> {
      TestStore.close(each.beginSession(PRODUCER, "asker").descriptors());
      return each;
    });
    Publication made = store.publish(PRODUCER, "a", LARGE);
    store.on(each -> each.hold(PRODUCER, "a", made.buffer()));
    store.delete(PRODUCER, "a");

    assertThat(holders())
        .contains("\"name\":\"a\",\"deleted\":true,\"session\":1,\"uid\":20002")
        .contains("\"client\":\"asker\",\"state\":\"may hold\"")
        .doesNotContain("unknown");
    store.endSession(PRODUCER);
    assertThat(holders()).contains("\"client\":\"asker\",\"state\":\"gone\"");
  }

  private String holders() throws Refusal {
    Holdings page = store.later(each -> each.holders(Optional.empty(), 0));
    return StandardCharsets.UTF_8.decode(page.json()).toString();
  }

  @Test
  void aStoreThatClosesLetsGoOfAllHolds() throws Refusal {
    Publication made = store.publish(PRODUCER, "a", LARGE);
    List<Long> holds = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      holds.add(hold(PRODUCER, made));
    }
    assertThat(holds).doesNotHaveDuplicates();
    store.delete(PRODUCER, "a");
    store.close();
  }
}
