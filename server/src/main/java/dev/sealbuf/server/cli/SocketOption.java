package dev.sealbuf.server.cli;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// `--socket`, and where the socket is without it.
final class SocketOption {
  @Option(
      names = "--socket",
      paramLabel = "PATH",
      description =
          "The daemon's socket. Otherwise $$SEALBUF_SOCKET,"
              + " $$XDG_RUNTIME_DIR/sealbuf/sealbuf.sock or /run/sealbuf/sealbuf.sock.")
  private @Nullable Path socket;

  Path path() {
    return socket != null ? socket : standard(System.getenv());
  }

  static Path standard(Map<String, String> environment) {
    String named = environment.getOrDefault("SEALBUF_SOCKET", "");
    if (!named.isEmpty()) {
      return Path.of(named);
    }
    String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    return Path.of(runtime.isEmpty() ? "/run" : runtime, "sealbuf", "sealbuf.sock");
  }
}
