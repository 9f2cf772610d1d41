package dev.sealbuf.server.cli;

import dev.sealbuf.client.SocketPath;
import java.nio.file.Path;
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
    return socket == null ? SocketPath.resolve() : socket;
  }
}
