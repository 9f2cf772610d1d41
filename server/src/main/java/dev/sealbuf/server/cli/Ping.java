package dev.sealbuf.server.cli;

import dev.sealbuf.client.Sealbuf;
import java.time.Duration;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `sealbuf ping`.
@Command(name = "ping", description = "Ask the daemon for a sign of life.")
final class Ping implements CliCommand {
  private static final double NANOS_A_MILLI = 1e6;

  @Spec private CommandSpec spec;
  @Mixin private ClientOptions client;

  @Override
  public void run() {
    try (Sealbuf store = client.connect()) {
      Duration time = store.ping();
      spec.commandLine()
          .getOut()
          .printf(
              Locale.ROOT,
              "sealbuf %s at %s answered in %.3f ms%n",
              store.server(),
              client.path(),
              time.toNanos() / NANOS_A_MILLI)
          .flush();
    }
  }
}
