package dev.sealbuf.client;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.UnixSocket;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.FrameDecoder;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.Requests;
import dev.sealbuf.protocol.Violation;
import dev.sealbuf.testing.Libc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// The daemon's end of a connection, in the hands of a test.
final class Peer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final UnixSocket socket;
  private final Connection connection;
  private final MemorySegment buffer = Arena.ofAuto().allocate(1 << 20);
  private final FrameDecoder decoder = FrameDecoder.ofRequests();
  private ByteBuffer bytes = ByteBuffer.allocate(0);

  private Peer(UnixSocket socket, Connection connection) {
    this.socket = socket;
    this.connection = connection;
  }

  /// A pair of sockets: one end here, the other with a connection.
  static Peer create() {
    int[] pair = Libc.socketPair();
    return new Peer(
        UnixSocket.adopt(Fd.adopt(pair[0])),
        new Connection(UnixSocket.adopt(Fd.adopt(pair[1])), Connection.WHOLE_FRAMES));
  }

  Connection connection() {
    return connection;
  }

  static Deadline soon() {
    return Deadline.after(PATIENCE);
  }

  Request receive() {
    try {
      Optional<Frame> frame = decoder.next(bytes);
      while (frame.isEmpty()) {
        bytes = buffer.asSlice(0, socket.receive(soon(), buffer, 0).bytes()).asByteBuffer();
        frame = decoder.next(bytes);
      }
      return Requests.read(frame.get());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (Violation e) {
      throw new AssertionError(e);
    }
  }

  /// Answers with as many descriptors as stated.
  void reply(Reply reply, Fd... descriptors) {
    send(Replies.write(reply, descriptors.length).encode(), descriptors);
  }

  void send(ByteBuffer frame, Fd... descriptors) {
    try {
      socket.send(soon(), List.of(descriptors), MemorySegment.ofBuffer(frame));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void hangUp() {
    socket.close();
  }

  @Override
  public void close() {
    socket.close();
    connection.close();
  }
}
