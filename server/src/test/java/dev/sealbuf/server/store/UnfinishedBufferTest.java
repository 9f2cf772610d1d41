package dev.sealbuf.server.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sealbuf.server.segment.DedicatedSegment;
import dev.sealbuf.server.store.UnfinishedBuffer.State;
import dev.sealbuf.testing.LeakCheck;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class UnfinishedBufferTest {
  private static final String REFUSED = "refused";

  private DedicatedSegment memory;

  @BeforeEach
  void prepare() throws IOException {
    memory = DedicatedSegment.prepare(1, DedicatedSegment.bytesFor(1));
  }

  @AfterEach
  void free() {
    memory.close();
  }

  @Test
  void everyEventInEveryStateLeadsWhereTheTableSays() throws Refusal {
    assertThat(after(buffer -> buffer.prepared(memory)))
        .containsExactly(REFUSED, "LENT", REFUSED, REFUSED, "ENDED");
    assertThat(after(UnfinishedBuffer::beginSeal))
        .containsExactly(REFUSED, REFUSED, "SEALING", REFUSED, REFUSED);
    assertThat(after(UnfinishedBuffer::returnFromSeal))
        .containsExactly(REFUSED, REFUSED, REFUSED, "LENT", REFUSED);
    assertThat(after(UnfinishedBuffer::returnToReservation))
        .containsExactly(REFUSED, "RESERVED", "RESERVED", REFUSED, REFUSED);
    assertThat(after(buffer -> buffer.prepare(1, Terms.PLAIN, charge())))
        .containsExactly("PREPARING", REFUSED, REFUSED, REFUSED, REFUSED);
    assertThat(after(UnfinishedBuffer::end)).containsOnly("ENDED");
  }

  @Test
  void memoryThatComesTooLateIsKeptUntilItIsFreed() throws Refusal {
    UnfinishedBuffer buffer = in(State.ENDED);

    buffer.prepared(memory);

    assertThat(buffer.segment()).isSameAs(memory);
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
      case PREPARING -> buffer.prepare(1, Terms.PLAIN, charge());
      case LENT -> {
        buffer.prepare(1, Terms.PLAIN, charge());
        buffer.prepared(memory);
      }
      case SEALING -> {
        buffer.prepare(1, Terms.PLAIN, charge());
        buffer.prepared(memory);
        buffer.beginSeal();
      }
      case ENDED -> buffer.end();
    }
    return buffer;
  }

  private static Account.Charge charge() {
    try {
      return new Account(1000, 1, Headroom.UNLIMITED).charge(Account.Kind.UNFINISHED, 1000);
    } catch (Refusal e) {
      throw new AssertionError(e);
    }
  }
}
