package dev.sealbuf.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SocketPathTest {
  @Test
  void theSocketsOwnVariableComesFirst() {
    assertThat(SocketPath.resolve(Map.of("SEALBUF_SOCKET", "/a", "XDG_RUNTIME_DIR", "/b")))
        .isEqualTo(Path.of("/a"));
  }

  @Test
  void thenTheUsersRuntimeFolder() {
    assertThat(SocketPath.resolve(Map.of("SEALBUF_SOCKET", "", "XDG_RUNTIME_DIR", "/b")))
        .isEqualTo(Path.of("/b/sealbuf/sealbuf.sock"));
  }

  @Test
  void thenTheSystems() {
    assertThat(SocketPath.resolve(Map.of())).isEqualTo(Path.of("/run/sealbuf/sealbuf.sock"));
  }
}
