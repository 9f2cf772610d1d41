package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Mapping;
import dev.sealbuf.protocol.Request;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/// Nothing is published that somebody could still change.
@Tag("daemon")
@ExtendWith(Unprivileged.class)
class StillMappedTest {
  private static final long BYTES = 4096;

  /// A writer, and a second writable mapping of its memory.
  private record Twice(BufferWriter writer, Mapping second) implements AutoCloseable {
    @Override
    public void close() {
      second.close();
      writer.close();
    }
  }

  private Sealbuf store;

  @BeforeEach
  void connect() {
    store = DaemonProcess.shared().connect();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Tag("shows-3")
  @Test
  void aSealIsRefusedWhileAWritableMappingLivesAndSucceedsAfterwards() throws IOException {
    try (Twice twice = create("still-mapped")) {
      BufferWriter writer = twice.writer();
      writer.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
      refused(writer);
      assertThat(store.contains("still-mapped")).isFalse();
      assertThat(writer.segment().isReadOnly()).as("frozen").isTrue();
      refused(writer);
      try (Mapping second = twice.second()) {
        second.segment().set(ValueLayout.JAVA_BYTE, 1, (byte) 8);
      }
      try (SealedBuffer sealed = writer.seal(2)) {
        assertThat(sealed.toByteArray()).containsExactly(7, 8);
      }
    }
  }

  @Test
  void aRefusedWriterCanBeGivenUp() throws IOException {
    try (Twice twice = create("given-up")) {
      refused(twice.writer());
      twice.writer().abort();
      assertThatThrownBy(twice.writer()::seal)
          .isInstanceOf(ClosedException.class)
          .hasMessage("the writer was aborted: name=given-up; do not use it after close");
    }
    store.put("given-up", new byte[1]);
  }

  private Twice create(String name) throws IOException {
    Session session = store.session();
    Deadline deadline = Deadline.after(DaemonProcess.PATIENCE);
    try (Answer loan =
        session.call(seq -> new Request.Create(seq, Optional.of(name), BYTES), deadline)) {
      Mapping second = Mapping.readWrite(loan.descriptors().getFirst(), BYTES);
      BufferWriter.Lender lender =
          new BufferWriter.Lender(session.connection(), session.uid(), DaemonProcess.PATIENCE);
      return new Twice(BufferWriter.map(lender, loan, Shape.bytes(BYTES), new byte[0]), second);
    }
  }

  private static void refused(BufferWriter writer) {
    assertThatThrownBy(writer::seal)
        .isInstanceOf(StillMappedException.class)
        .hasMessageEndingWith("; drop writable views and forked copies, seal again");
  }
}
