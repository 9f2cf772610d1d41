package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.UnixSocket.Received;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakCheck.class)
class DescriptorsTest {
  private static final int MIB = 1024 * 1024;

  private final MemorySegment buffer = Arena.ofAuto().allocate(MIB);
  private Fd channel;
  private Fd borrowed;
  private UnixSocket peer;

  @BeforeEach
  void connect() {
    int[] pair = Libc.socketPair();
    channel = Fd.adopt(pair[0]);
    borrowed = Fd.borrow(pair[0]);
    peer = UnixSocket.adopt(Fd.adopt(pair[1]));
  }

  @AfterEach
  void close() {
    channel.close();
    peer.close();
  }

  @Test
  void oneCallSendsBytesAndDescriptors() throws IOException {
    try (Fd file = Memfd.create("descriptors-test")) {
      ByteBuffer frame = ByteBuffer.allocateDirect(8).position(2);
      assertThat(Descriptors.send(borrowed, frame, List.of(file, file))).isEqualTo(6);
      assertThat(frame.position()).isEqualTo(2);
      Received received = receive();
      assertThat(received.bytes()).isEqualTo(6);
      assertThat(received.descriptors()).hasSize(2);
      assertThat(Memfd.stat(received.descriptors().get(1))).isEqualTo(Memfd.stat(file));
      received.descriptors().forEach(Fd::close);
    }
  }

  @Test
  void aFullSocketTakesAPartThenNothingAndNeverWaits() throws IOException {
    ByteBuffer frame = ByteBuffer.allocateDirect(MIB);
    int first = Descriptors.send(borrowed, frame, List.of());
    assertThat(first).isPositive().isLessThan(MIB);
    int sent = first;
    while (true) {
      int more = Descriptors.send(borrowed, frame, List.of());
      if (more == Descriptors.WOULD_BLOCK) {
        break;
      }
      sent += more;
    }
    for (int received = 0; received < sent; ) {
      received += receive().bytes();
    }
    assertThat(Descriptors.send(borrowed, frame, List.of())).isPositive();
  }

  @Test
  void refusedDescriptorsAreStillToBeSent() throws IOException {
    try (Fd file = Memfd.create("descriptors-test")) {
      ByteBuffer filler = ByteBuffer.allocateDirect(MIB);
      int sent = 0;
      int more = 0;
      while (more != Descriptors.WOULD_BLOCK) {
        sent += more;
        more = Descriptors.send(borrowed, filler, List.of());
      }
      ByteBuffer frame = ByteBuffer.allocateDirect(1);
      assertThat(Descriptors.send(borrowed, frame, List.of(file)))
          .isEqualTo(Descriptors.WOULD_BLOCK);
      for (int received = 0; received < sent; ) {
        Received part = receive();
        assertThat(part.descriptors()).isEmpty();
        received += part.bytes();
      }
      assertThat(Descriptors.send(borrowed, frame, List.of(file))).isEqualTo(1);
      Received last = receive();
      assertThat(last.descriptors()).hasSize(1);
      last.descriptors().forEach(Fd::close);
    }
  }

  @Test
  void aPeerThatIsGoneIsAnErrorAndNoSignal() {
    peer.close();
    assertThatThrownBy(() -> Descriptors.send(borrowed, ByteBuffer.allocateDirect(3), List.of()))
        .isInstanceOf(PosixException.class)
        .hasMessage("sendmsg(bytes=3 descriptors=0): EPIPE (32)");
  }

  @Test
  void aClosedDescriptorIsRefusedBeforeAnythingIsSent() throws IOException {
    Fd file = Memfd.create("descriptors-test");
    file.close();
    assertThatThrownBy(
            () -> Descriptors.send(borrowed, ByteBuffer.allocateDirect(3), List.of(file)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("descriptor is closed: fd=");
  }

  @Test
  void onlyDirectBytesAreSent() {
    assertThatThrownBy(() -> Descriptors.send(borrowed, ByteBuffer.allocate(3), List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "a sent buffer is direct and not empty: java.nio.HeapByteBuffer[pos=0 lim=3 cap=3]");
  }

  private Received receive() throws IOException {
    return peer.receive(Deadline.after(Duration.ofSeconds(10)), buffer, 2);
  }
}
