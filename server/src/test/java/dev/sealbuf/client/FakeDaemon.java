package dev.sealbuf.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/// Somebody at the socket who is no daemon: answers whatever comes with the same bytes.
final class FakeDaemon implements AutoCloseable {
  private final ServerSocketChannel channel;
  private final Path socket = Jvm.publicFolder().resolve("fake.sock");

  private FakeDaemon(byte[] answer) throws IOException {
    channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    channel.bind(UnixDomainSocketAddress.of(socket));
    Thread.ofVirtual().start(() -> answer(answer));
  }

  static FakeDaemon answering(byte[] answer) {
    try {
      return new FakeDaemon(answer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path socket() {
    return socket;
  }

  private void answer(byte[] answer) {
    try (SocketChannel client = channel.accept()) {
      client.read(ByteBuffer.allocate(4096));
      client.write(ByteBuffer.wrap(answer));
      client.read(ByteBuffer.allocate(4096)); // until the client has had enough
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
