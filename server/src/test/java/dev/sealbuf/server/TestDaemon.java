package dev.sealbuf.server;

import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.Given;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Key;
import dev.sealbuf.server.config.Setting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// A daemon in this process, at a socket in a folder of its own. Whoever runs the tests is its uid.
public final class TestDaemon implements AutoCloseable {
  private final Path folder;
  private final Path socket;
  private final Daemon daemon;

  public TestDaemon() {
    try {
      folder = Files.createTempDirectory("sealbuf-test");
      socket = folder.resolve("sealbuf.sock");
      daemon = Daemon.start(configuration(), "0.0.0-test");
    } catch (InvalidConfigurationException e) {
      throw new AssertionError(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Configuration configuration() throws InvalidConfigurationException {
    return Configuration.load(
        Optional.empty(),
        Map.of(),
        List.of(
            new Given(Key.of(Setting.SOCKET), socket.toString(), "test"),
            new Given(Key.of(Setting.CAPACITY), "64MiB", "test")));
  }

  public Path socket() {
    return socket;
  }

  /// A connection that has said nothing yet.
  public TestClient connect() {
    return TestClient.connect(socket);
  }

  /// A connection that has said hello.
  public TestClient open() {
    TestClient client = connect();
    client.hello();
    return client;
  }

  @Override
  public void close() {
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
