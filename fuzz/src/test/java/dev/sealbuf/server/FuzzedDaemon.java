package dev.sealbuf.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.sealbuf.client.BufferInfo;
import dev.sealbuf.client.NotFoundException;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.protocol.Frame;
import dev.sealbuf.protocol.FrameDecoder;
import dev.sealbuf.protocol.FrameException;
import dev.sealbuf.protocol.HeadException;
import dev.sealbuf.protocol.Replies;
import dev.sealbuf.protocol.Reply;
import dev.sealbuf.protocol.Request;
import dev.sealbuf.protocol.Requests;
import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.Given;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Key;
import dev.sealbuf.server.config.Setting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;

/// A daemon in this process, and what it owes to whoever it serves: after each conversation it has
/// logged no fault, its event loop was not busy with it for long, and every reply can be read.
final class FuzzedDaemon implements AutoCloseable {
  /// Of the loop's own CPU time, for all that one connection said.
  private static final Duration BUSY_MAX = Duration.ofMillis(100);

  private static final int REPLY_BYTES = 1 << 16;

  private final ListAppender<ILoggingEvent> faults = new ListAppender<>();
  private final Path folder;
  private final Path socket;
  private final Daemon daemon;
  private final long loop;
  private final Sealbuf observer;

  FuzzedDaemon() {
    Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    root.detachAndStopAllAppenders();
    root.setLevel(Level.ERROR);
    faults.start();
    root.addAppender(faults);
    try {
      folder = Files.createTempDirectory("sealbuf-fuzz");
      socket = folder.resolve("sealbuf.sock");
      daemon = Daemon.start(configuration(), "0.0.0-fuzz");
    } catch (InvalidConfigurationException e) {
      throw new AssertionError(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    loop =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().equals("sealbuf-loop"))
            .mapToLong(Thread::threadId)
            .findFirst()
            .orElseThrow();
    observer = Sealbuf.connect(socket);
  }

  private Configuration configuration() throws InvalidConfigurationException {
    return Configuration.load(
        Optional.empty(),
        Map.of(),
        List.of(
            new Given(Key.of(Setting.SOCKET), socket.toString(), "test"),
            new Given(Key.of(Setting.CAPACITY), "64MiB", "test")));
  }

  /// The bytes of a client that says hello properly.
  static ByteBuffer hello() {
    return Requests.write(new Request.Hello(1, "default", "fuzz")).encode();
  }

  /// One connection that says all this and hangs up.
  void hears(ByteBuffer bytes) {
    long before = busyNanos();
    boolean published = false;
    for (Reply reply : replies(bytes)) {
      published |= leavesBuffers(reply);
      assertThat(reply.toString()).doesNotContain("the daemon failed");
    }
    assertThat(Duration.ofNanos(busyNanos() - before)).isLessThan(BUSY_MAX);
    assertThat(faults.list).isEmpty();
    if (published) {
      empty();
    }
  }

  private static boolean leavesBuffers(Reply reply) {
    return reply instanceof Reply.Published
        || reply instanceof Reply.PublishedLent
        || reply instanceof Reply.PublishedMany;
  }

  private long busyNanos() {
    return ManagementFactory.getThreadMXBean().getThreadCpuTime(loop);
  }

  /// What the daemon answers until it hangs up. Descriptors are dropped by the kernel, since this
  /// side has no room for them.
  private List<Reply> replies(ByteBuffer bytes) {
    ByteBuffer received = ByteBuffer.allocate(REPLY_BYTES);
    List<Reply> replies = new ArrayList<>();
    FrameDecoder decoder = FrameDecoder.ofReplies();
    try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      send(client, bytes);
      while (client.read(received.clear()) >= 0) {
        received.flip();
        for (Optional<Frame> frame = decoder.next(received);
            frame.isPresent();
            frame = decoder.next(received)) {
          replies.add(Replies.read(frame.get()));
        }
      }
    } catch (FrameException | HeadException e) {
      throw new AssertionError("a reply that nobody can read", e);
    } catch (IOException _) {
      // ECONNRESET: the daemon hung up without reading everything, as it may.
    }
    return replies;
  }

  /// What the daemon does not read any more is lost (EPIPE); what it said is still to be read.
  private static void send(SocketChannel client, ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        client.write(bytes);
      }
      client.shutdownOutput();
    } catch (IOException _) {
      // as said
    }
  }

  /// The next input finds the store as the first one did.
  private void empty() {
    for (BufferInfo buffer : observer.list("")) {
      try {
        observer.delete(buffer.name());
      } catch (NotFoundException _) {
        // It expired, or went with its session.
      }
    }
  }

  @Override
  public void close() {
    observer.close();
    daemon.close();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
