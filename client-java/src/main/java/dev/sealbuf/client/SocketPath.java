package dev.sealbuf.client;

import java.nio.file.Path;
import java.util.Map;

/// Where the daemon listens when nobody says: `$SEALBUF_SOCKET`, else
/// `$XDG_RUNTIME_DIR/sealbuf/sealbuf.sock`, else `/run/sealbuf/sealbuf.sock`. An empty variable is
/// none.
public final class SocketPath {
  private static final Path SYSTEM = Path.of("/run/sealbuf/sealbuf.sock");

  private SocketPath() {}

  /// The path by this process's environment.
  public static Path resolve() {
    return resolve(System.getenv());
  }

  static Path resolve(Map<String, String> environment) {
    String socket = environment.getOrDefault("SEALBUF_SOCKET", "");
    String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    if (!socket.isEmpty()) {
      return Path.of(socket);
    }
    return runtime.isEmpty() ? SYSTEM : Path.of(runtime, "sealbuf", "sealbuf.sock");
  }
}
