package dev.sealbuf.server.cli;

import dev.sealbuf.client.Sealbuf;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// What every command that talks to a daemon takes.
final class ClientOptions {
  /// Preparing memory takes a second a GiB and more where a hypervisor backs it only now: 5 ms a
  /// huge page, on busy CPUs the multiple. A daemon that answers nothing for longer than this is
  /// not going to.
  private static final Duration TIMEOUT = Duration.ofMinutes(2);

  @Mixin private SocketOption socket;

  @Option(
      names = "--namespace",
      paramLabel = "NAME",
      defaultValue = "default",
      description = "The namespace (default: ${DEFAULT-VALUE}).")
  private String namespace;

  Path path() {
    return socket.path();
  }

  Sealbuf connect() {
    return Sealbuf.connect(path(), namespace, TIMEOUT);
  }
}
