package dev.sealbuf.server;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.provider.MethodSource;

/// No bytes that a client sends, with or without a hello, make the daemon fail or hold others up.
@Tag("daemon")
@Tag("shows-11")
final class ConnectionFuzzTest {
  private static FuzzedDaemon daemon;

  @BeforeAll
  static void start() {
    daemon = new FuzzedDaemon();
  }

  @AfterAll
  static void stop() {
    daemon.close();
  }

  @MethodSource("dev.sealbuf.protocol.Seeds#frames")
  @FuzzTest
  void anyBytesAreAnsweredOrRefused(byte[] bytes) {
    daemon.hears(ByteBuffer.wrap(bytes));
    ByteBuffer hello = FuzzedDaemon.hello();
    daemon.hears(
        ByteBuffer.allocate(hello.remaining() + bytes.length).put(hello).put(bytes).flip());
  }
}
