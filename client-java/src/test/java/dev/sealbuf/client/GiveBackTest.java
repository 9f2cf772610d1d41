package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.UnixSocket;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.FrameDecoder;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.Requests;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/// What must not stay taken, or be looked at, after something went wrong.
@Timeout(20)
@ExtendWith(LeakCheck.class)
class GiveBackTest {
  private static final int ROOM = 4096;

  private final int[] pair = Libc.socketPair();
  private final UnixSocket daemon = UnixSocket.adopt(Fd.adopt(pair[0]));
  private final Connection connection =
      new Connection(UnixSocket.adopt(Fd.adopt(pair[1])), Connection.WHOLE_FRAMES);

  @AfterEach
  void close() {
    Thread.interrupted();
    daemon.close();
    connection.close();
  }

  @Test
  void aForgottenBufferIsAbortedOnceAlongWithTheNextRequest() throws Exception {
    connection.forget(7);
    reply(new Reply.Aborted(1, 7));
    reply(new Reply.Pong(2));
    reply(new Reply.Pong(3));
    ping();
    ping();
    assertThat(requests())
        .containsExactly(new Request.Abort(1, 7), new Request.Ping(2), new Request.Ping(3));
  }

  @Test
  void anInterruptedThreadThatNeedNotWaitIsServed() throws Exception {
    reply(new Reply.Pong(1));
    Thread.currentThread().interrupt();
    ping();
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void closedMemoryIsNotPut() {
    Arena arena = Arena.ofShared();
    MemorySegment data = arena.allocate(16);
    arena.close();
    assertThatThrownBy(() -> Views.payload(data))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("what is to be put was closed: data=" + data);
  }

  private void ping() {
    connection.call(Request.Ping::new, soon()).close();
  }

  private void reply(Reply reply) throws Exception {
    daemon.send(soon(), List.of(), MemorySegment.ofBuffer(Replies.write(reply, 0).encode()));
  }

  private List<Request> requests() throws Exception {
    MemorySegment room = Arena.ofAuto().allocate(ROOM);
    int received = daemon.receive(soon(), room, 0).bytes();
    ByteBuffer bytes = room.asSlice(0, received).asByteBuffer();
    FrameDecoder decoder = FrameDecoder.ofRequests();
    List<Request> found = new ArrayList<>();
    for (Optional<Frame> f = decoder.next(bytes); f.isPresent(); f = decoder.next(bytes)) {
      found.add(Requests.read(f.get()));
    }
    return found;
  }

  private static Deadline soon() {
    return Deadline.after(Duration.ofSeconds(10));
  }
}
