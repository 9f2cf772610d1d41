package dev.sealbuf.server;

import dev.sealbuf.memory.Deadline;
import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.UnixSocket;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.FrameDecoder;
import dev.sealbuf.protocol.FrameException;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.Requests;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/// The daemon's first client is the daemon: a session over its own socket, with a request of each
/// kind that changes nothing. It loads and links what the first real client would otherwise wait
/// half a second for, and proves that the door opens.
final class WarmUp {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int RECEIVE_BYTES = 64 * 1024;
  private static final String NOBODY = "no-such-buffer";

  private WarmUp() {}

  static void run(Path socket) throws IOException {
    List<Request> requests =
        List.of(
            new Request.Hello(1, "default", "sealbuf-warm-up"),
            new Request.Put(2, Optional.of(""), ByteBuffer.allocate(1)),
            new Request.Create(3, Optional.of(""), 1),
            new Request.Seal(4, 1, OptionalLong.empty()),
            new Request.Open(5, NOBODY, OptionalLong.empty()),
            new Request.Map(6, 1),
            new Request.Delete(7, NOBODY),
            new Request.Hold(8, NOBODY, 1),
            new Request.OpenHeld(9, NOBODY, 1, 1, OptionalLong.empty()),
            new Request.ListNames(10, "", 1, 0),
            new Request.Stat(11),
            new Request.Ping(12));
    Deadline deadline = Deadline.after(PATIENCE);
    try (UnixSocket client = UnixSocket.connect(socket, deadline)) {
      for (Request request : requests) {
        ByteBuffer frame = Requests.write(request).encode();
        client.send(deadline, List.of(), MemorySegment.ofBuffer(frame));
      }
      receive(client, deadline, requests.size());
    } catch (FrameException e) {
      throw new IOException("the daemon does not understand itself", e);
    }
  }

  private static void receive(UnixSocket client, Deadline deadline, int replies)
      throws IOException, FrameException {
    FrameDecoder decoder = FrameDecoder.ofReplies();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(RECEIVE_BYTES);
      for (int received = 0; received < replies; ) {
        UnixSocket.Received part = client.receive(deadline, buffer, 1);
        part.descriptors().forEach(Fd::close);
        if (part.isEndOfStream()) {
          throw new IOException("the daemon hung up on itself: replies=" + received);
        }
        received += frames(decoder, buffer.asSlice(0, part.bytes()).asByteBuffer());
      }
    }
  }

  private static int frames(FrameDecoder decoder, ByteBuffer bytes) throws FrameException {
    int frames = 0;
    for (Optional<Frame> frame = decoder.next(bytes);
        frame.isPresent();
        frame = decoder.next(bytes)) {
      frames++;
    }
    return frames;
  }
}
