package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.protocol.ErrorCode;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.store.UnfinishedBuffer.State;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class UnfinishedBufferTest {
  private static final String REFUSED = "refused";

  private DedicatedSegment segment;

  @BeforeEach
  void prepare() throws IOException {
    segment = DedicatedSegment.prepare(1, DedicatedSegment.bytesFor(1));
  }

  @AfterEach
  void free() {
    segment.close();
  }

  @Test
  void everyEventInEveryStateLeadsWhereTheTableSays() throws Refusal {
    assertThat(after(buffer -> buffer.prepared(segment)))
        .containsExactly(REFUSED, "LENT", REFUSED, REFUSED, "ENDED");
    assertThat(after(UnfinishedBuffer::beginSeal))
        .containsExactly(REFUSED, REFUSED, "SEALING", REFUSED, REFUSED);
    assertThat(after(UnfinishedBuffer::returnFromSeal))
        .containsExactly(REFUSED, REFUSED, REFUSED, "LENT", REFUSED);
    assertThat(after(UnfinishedBuffer::returnToReservation))
        .containsExactly(REFUSED, "RESERVED", "RESERVED", REFUSED, REFUSED);
    assertThat(after(buffer -> buffer.prepare(1, Terms.PLAIN, memory(), heap())))
        .containsExactly("PREPARING", REFUSED, REFUSED, REFUSED, REFUSED);
    assertThat(after(UnfinishedBuffer::end)).containsOnly("ENDED");
  }

  @Test
  void memoryThatComesTooLateIsKeptUntilItIsFreed() throws Refusal {
    UnfinishedBuffer buffer = in(State.ENDED);

    buffer.prepared(segment);

    assertThat(buffer.segment()).isSameAs(segment);
    assertThat(buffer.hasEnded()).isTrue();
  }

  /// What an event makes of each state, in their order.
  private List<String> after(Consumer<UnfinishedBuffer> event) throws Refusal {
    List<String> outcomes = new ArrayList<>();
    for (State state : State.values()) {
      UnfinishedBuffer buffer = in(state);
      try {
        event.accept(buffer);
        outcomes.add(buffer.state().name());
      } catch (IllegalStateException _) {
        assertThat(buffer.state()).isEqualTo(state);
        outcomes.add(REFUSED);
      }
    }
    return outcomes;
  }

  private UnfinishedBuffer in(State state) throws Refusal {
    UnfinishedBuffer buffer = new UnfinishedBuffer(new Claim(1, Name.of("n")), new Peer(1, 2));
    switch (state) {
      case RESERVED -> {}
      case PREPARING -> buffer.prepare(1, Terms.PLAIN, memory(), heap());
      case LENT -> {
        buffer.prepare(1, Terms.PLAIN, memory(), heap());
        buffer.prepared(segment);
      }
      case SEALING -> {
        buffer.prepare(1, Terms.PLAIN, memory(), heap());
        buffer.prepared(segment);
        buffer.beginSeal();
      }
      case ENDED -> buffer.end();
    }
    return buffer;
  }

  /// As many buffers as a session may leave unfinished, of as many sessions, would fill the heap.
  @Test
  void whatIsSaidOfUnfinishedBuffersIsBoundedByTheHeap() throws Refusal {
    Form longest = new Form(Optional.empty(), ByteBuffer.allocate(Limits.METADATA_MAX));
    UnfinishedBuffers buffers = new UnfinishedBuffers(8 * 100 * 1024, _ -> {});
    UnfinishedBuffer buffer = new UnfinishedBuffer(new Claim(1, Name.of("n")), new Peer(1, 2));
    buffer.prepare(1, Terms.PLAIN, memory(), buffers.keep(new Peer(1, 2), longest.heapBytes()));
    Refused.with(
        ErrorCode.TRY_AGAIN,
        "too many KiB of metadata and descriptions: count=64 max=100 of_uid=64 max_of_uid=75",
        () -> buffers.keep(new Peer(3, 2), longest.heapBytes()));
    buffer.end();
    buffer.end();
    buffers.keep(new Peer(3, 2), longest.heapBytes()).close();
  }

  private static HeapPlaces.Lease heap() {
    try {
      return new HeapPlaces("forms", 8, 1).lease(2, 1);
    } catch (Refusal e) {
      throw new AssertionError(e);
    }
  }

  private static SegmentSupply.Order memory() {
    try {
      Account account = new Account(1000, 1, Headroom.unlimited());
      return SegmentSupply.Order.of(account.charge(Account.Kind.UNFINISHED, 1000));
    } catch (Refusal e) {
      throw new AssertionError(e);
    }
  }
}
