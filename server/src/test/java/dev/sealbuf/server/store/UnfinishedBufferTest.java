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
        .containsExactly("LENT", REFUSED, REFUSED, "ENDED");
    assertThat(after(UnfinishedBuffer::beginSeal))
        .containsExactly(REFUSED, "SEALING", REFUSED, REFUSED);
    assertThat(after(UnfinishedBuffer::returnFromSeal))
        .containsExactly(REFUSED, REFUSED, "LENT", REFUSED);
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
    Account.Charge charge = new Account(1000, 1).charge(Account.Kind.UNFINISHED, 1000);
    Claim claim = new Claim(1, Name.of("n"));
    UnfinishedBuffer buffer = new UnfinishedBuffer(claim, new Peer(1, 2), 1, Terms.PLAIN, charge);
    switch (state) {
      case PREPARING -> {}
      case LENT -> buffer.prepared(memory);
      case SEALING -> {
        buffer.prepared(memory);
        buffer.beginSeal();
      }
      case ENDED -> buffer.end();
    }
    return buffer;
  }
}
