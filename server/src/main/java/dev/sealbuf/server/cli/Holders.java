package dev.sealbuf.server.cli;

import dev.sealbuf.client.Holder;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.server.config.ByteSize;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `sealbuf holders`: who keeps memory alive, also that of buffers that are deleted.
@Command(name = "holders", description = "Show which session was given which segment.")
final class Holders implements CliCommand {
  @Spec private CommandSpec spec;
  @Mixin private ClientOptions client;

  @Parameters(
      paramLabel = "NAME",
      arity = "0..1",
      description = "Only those who were given this buffer's bytes.")
  private @Nullable String name;

  @Option(names = "--json", description = "One JSON array, sizes in bytes.")
  private boolean json;

  @Override
  public void run() {
    try (Sealbuf store = client.connect()) {
      List<Holder> holders = name == null ? store.holders() : store.holders(name);
      spec.commandLine().getOut().print(json ? json(holders) : table(holders));
      spec.commandLine().getOut().flush();
    }
  }

  private static String table(List<Holder> holders) {
    Table table = new Table("lrrrrlll");
    table.row("SEGMENT", "BYTES", "SESSION", "UID", "PID", "STATE", "CLIENT", "NAME");
    for (Holder holder : holders) {
      table.row(
          holder.kind() + "-" + holder.segment(),
          ByteSize.human(holder.nbytes()),
          known(holder, holder.session()),
          known(holder, holder.uid()),
          known(holder, holder.pid()),
          holder.state(),
          holder.client(),
          holder.name() + (holder.deleted() ? " (deleted)" : ""));
    }
    return table.toString();
  }

  /// A number of a holder, if it is known who that is.
  private static String known(Holder holder, long number) {
    return holder.session() == 0 ? "-" : Long.toString(number);
  }

  private static String json(List<Holder> holders) {
    return Json.text(holders.stream().map(Holders::fields).toList());
  }

  private static Map<String, Object> fields(Holder holder) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("kind", holder.kind());
    fields.put("segment", holder.segment());
    fields.put("nbytes", holder.nbytes());
    fields.put("name", holder.name());
    fields.put("deleted", holder.deleted());
    fields.put("session", holder.session());
    fields.put("uid", holder.uid());
    fields.put("pid", holder.pid());
    fields.put("client", holder.client());
    fields.put("state", holder.state());
    return fields;
  }
}
