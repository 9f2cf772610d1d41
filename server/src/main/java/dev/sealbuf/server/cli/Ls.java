package dev.sealbuf.server.cli;

import dev.sealbuf.client.BufferInfo;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.server.config.ByteSize;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `sealbuf ls`: for people a table, for programs exact figures.
@Command(name = "ls", description = "List buffers.")
final class Ls implements CliCommand {
  @Spec private CommandSpec spec;
  @Mixin private ClientOptions client;

  @Parameters(
      paramLabel = "PREFIX",
      arity = "0..1",
      defaultValue = "",
      description = "Only names that begin with it.")
  private String prefix;

  @Option(names = "--json", description = "One JSON array, sizes in bytes.")
  private boolean json;

  @Override
  public void run() {
    try (Sealbuf store = client.connect()) {
      List<BufferInfo> buffers = store.list(prefix);
      spec.commandLine().getOut().print(json ? json(buffers) : table(buffers, Instant.now()));
      spec.commandLine().getOut().flush();
    }
  }

  private static String table(List<BufferInfo> buffers, Instant now) {
    Table table = new Table("lrlrrr");
    table.row("NAME", "BYTES", "FORMAT", "SHAPE", "AGE", "OWNER");
    for (BufferInfo buffer : buffers) {
      table.row(
          buffer.name(),
          ByteSize.human(buffer.nbytes()),
          buffer.format(),
          buffer.shape().stream().map(String::valueOf).collect(Collectors.joining("x")),
          age(Duration.between(buffer.created(), now)),
          Long.toString(buffer.owner()));
    }
    return table.toString();
  }

  private static String json(List<BufferInfo> buffers) {
    return Json.text(buffers.stream().map(Ls::fields).toList());
  }

  private static Map<String, Object> fields(BufferInfo buffer) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("name", buffer.name());
    fields.put("buffer", buffer.id());
    fields.put("version", buffer.version());
    fields.put("nbytes", buffer.nbytes());
    fields.put("format", buffer.format());
    fields.put("shape", buffer.shape());
    fields.put("owner", buffer.owner());
    fields.put("created", buffer.created().toString());
    return fields;
  }

  /// The largest unit that fits once, such as `3h`.
  private static String age(Duration age) {
    if (age.toDays() > 0) {
      return age.toDays() + "d";
    }
    if (age.toHours() > 0) {
      return age.toHours() + "h";
    }
    return age.toMinutes() > 0 ? age.toMinutes() + "m" : Math.max(0, age.toSeconds()) + "s";
  }
}
