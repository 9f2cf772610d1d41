package dev.sealbuf.server;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.PosixException;
import dev.sealbuf.memory.UnixSocket;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.FrameDecoder;
import dev.sealbuf.protocol.FrameException;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.Requests;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/// A client that may say anything: requests, or whatever bytes.
public final class TestClient implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int RECEIVE_BYTES = 1 << 16;

  private final UnixSocket socket;
  private final FrameDecoder decoder = FrameDecoder.ofReplies();
  private final Deque<Reply> replies = new ArrayDeque<>();
  private final List<Fd> descriptors = new ArrayList<>();

  private TestClient(UnixSocket socket) {
    this.socket = socket;
  }

  public static TestClient connect(Path path) {
    try {
      return new TestClient(UnixSocket.connect(path, Deadline.after(PATIENCE)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The bytes of a request.
  public static byte[] bytes(Request request) {
    ByteBuffer frame = Requests.write(request).encode();
    byte[] bytes = new byte[frame.remaining()];
    frame.get(bytes);
    return bytes;
  }

  /// The bytes of a frame with this head, whatever it is.
  public static byte[] frame(String head) {
    return frame(head.getBytes(StandardCharsets.UTF_8));
  }

  public static byte[] frame(byte[] head) {
    ByteBuffer frame = Frame.of(0, ByteBuffer.wrap(head)).encode();
    byte[] bytes = new byte[frame.remaining()];
    frame.get(bytes);
    return bytes;
  }

  public Reply hello() {
    return ask(new Request.Hello(1, "default", "test"));
  }

  public Reply ask(Request request) {
    send(bytes(request));
    return receive();
  }

  /// Sends bytes as they are. When the daemon closed the connection meanwhile, they are lost, as
  /// they would be for any client.
  public void send(byte[] bytes) {
    try {
      socket.send(Deadline.after(PATIENCE), List.of(), MemorySegment.ofArray(bytes));
    } catch (PosixException _) {
      // EPIPE: what the daemon said before is still to be read.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The next reply.
  public Reply receive() {
    return receiveOrEnd().orElseThrow(() -> new AssertionError("the daemon hung up"));
  }

  /// The next reply; empty at the end of the stream.
  public Optional<Reply> receiveOrEnd() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(RECEIVE_BYTES);
      while (replies.isEmpty()) {
        UnixSocket.Received part =
            socket.receive(Deadline.after(PATIENCE), buffer, Limits.DESCRIPTORS_MAX);
        descriptors.addAll(part.descriptors());
        if (part.isEndOfStream()) {
          return Optional.empty();
        }
        decode(buffer.asSlice(0, part.bytes()).asByteBuffer());
      }
      return Optional.of(replies.remove());
    } catch (PosixException _) {
      return Optional.empty(); // ECONNRESET: it hung up without reading everything
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void decode(ByteBuffer bytes) {
    try {
      for (Optional<Frame> frame = decoder.next(bytes);
          frame.isPresent();
          frame = decoder.next(bytes)) {
        replies.add(Replies.read(frame.get()));
      }
    } catch (FrameException | HeadException e) {
      throw new AssertionError(e);
    }
  }

  /// Descriptors that came with replies; closed with the client.
  public List<Fd> descriptors() {
    return List.copyOf(descriptors);
  }

  @Override
  public void close() {
    descriptors.forEach(Fd::close);
    socket.close();
  }
}
