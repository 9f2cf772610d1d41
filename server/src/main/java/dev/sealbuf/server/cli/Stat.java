package dev.sealbuf.server.cli;

import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.Statistics;
import dev.sealbuf.protocol.Limits;
import dev.sealbuf.server.config.ByteSize;
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
    table.row("AOT cache", stats.aotCache(), "");
    table.row("gauges", stats.gauges(), "");
    table.row("", "count", "bytes");
    memory(table, stats);
    bytes(table, "buffers", stats.buffers(), stats.bufferBytes());
    count(table, "  spilled", stats.spilled());
    count(table, "  evicted so far", stats.evicted());
    count(table, "  expired so far", stats.expired());
    bytes(table, "of this uid", stats.ownBuffers(), stats.ownBytes());
    if (stats.quotaBytes() < Limits.SEQ_MAX) {
      bytes(table, "  at most", stats.quotaBytes());
    }
    if (stats.quotaBuffers() < Limits.SEQ_MAX) {
      count(table, "  at most", stats.quotaBuffers());
    }
    count(table, "sessions", stats.sessions());
    count(table, "  watchers", stats.watchers());
    count(table, "  waiting requests", stats.waiting());
    return table.toString();
  }

  private static void memory(Table table, Statistics stats) {
    bytes(table, "capacity", stats.capacity());
    if (stats.capacityAsked() > stats.capacity()) {
      bytes(table, "  asked for", stats.capacityAsked());
    }
    bytes(table, "used", stats.used());
    bytes(table, "  catalog", stats.catalogBytes());
    bytes(table, "  slabs", stats.slabs(), stats.slabBytes());
    bytes(table, "  dedicated", stats.dedicated(), stats.dedicatedBytes());
    bytes(table, "  unfinished", stats.unfinished(), stats.unfinishedBytes());
    bytes(table, "  held after delete", stats.held(), stats.heldBytes());
    bytes(table, "held unseen", stats.heldUnseen());
    bytes(table, "prepared", stats.prepared(), stats.preparedBytes());
    bytes(table, "in huge pages", stats.hugePageBytes());
    count(table, "  refused so far", stats.hugePageFailures());
  }

  private static void bytes(Table table, String label, long bytes) {
    table.row(label, "", ByteSize.human(bytes));
  }

  private static void bytes(Table table, String label, long count, long bytes) {
    table.row(label, Long.toString(count), ByteSize.human(bytes));
  }

  private static void count(Table table, String label, long count) {
    table.row(label, Long.toString(count), "");
  }

  private static String uptime(Duration time) {
    return "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }
}
