package dev.sealbuf.server.cli;

import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.Statistics;
import java.time.Duration;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `sealbuf stat`.
@Command(name = "stat", description = "Show what the daemon holds.")
final class Stat implements CliCommand {
  @Spec private CommandSpec spec;
  @Mixin private ClientOptions client;

  @Option(names = "--json", description = "One JSON object, sizes in bytes.")
  private boolean json;

  @Override
  public void run() {
    try (Sealbuf store = client.connect()) {
      Statistics stats = store.stats();
      spec.commandLine().getOut().print(json ? Json.text(stats.asMap()) : table(stats));
      spec.commandLine().getOut().flush();
    }
  }

  private static String table(Statistics stats) {
    Table table = new Table("lrr");
    table.row("server", stats.server(), "");
    table.row("uptime", uptime(Duration.ofSeconds(stats.uptimeSeconds())), "");
    table.row("sessions", Long.toString(stats.sessions()), "");
    table.row("", "count", "bytes");
    bytes(table, "capacity", "", stats.capacity());
    bytes(table, "used", "", stats.used());
    bytes(table, "  catalog", "", stats.catalogBytes());
    bytes(table, "  slabs", Long.toString(stats.slabs()), stats.slabBytes());
    bytes(table, "  dedicated", Long.toString(stats.dedicated()), stats.dedicatedBytes());
    bytes(table, "  unfinished", Long.toString(stats.unfinished()), stats.unfinishedBytes());
    bytes(table, "in huge pages", "", stats.hugePageBytes());
    bytes(table, "buffers", Long.toString(stats.buffers()), stats.bufferBytes());
    return table.toString();
  }

  private static void bytes(Table table, String label, String count, long bytes) {
    table.row(label, count, ByteSize.human(bytes));
  }

  private static String uptime(Duration time) {
    return "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }
}
