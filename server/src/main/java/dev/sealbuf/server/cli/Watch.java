package dev.sealbuf.server.cli;

import dev.sealbuf.client.Event;
import dev.sealbuf.client.Sealbuf;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `sealbuf watch`: a line an event, written out at once, with the name at its end since it may
/// have blanks. Ends when nobody reads any more.
@Command(name = "watch", description = "Print a line for each change of a name.")
final class Watch implements CliCommand {
  @Spec private CommandSpec spec;
  @Mixin private ClientOptions client;

  @Parameters(
      paramLabel = "PREFIX",
      arity = "0..1",
      defaultValue = "",
      description = "Only names that begin with it.")
  private String prefix;

  @Option(names = "--replay", description = "Begin with what is published already.")
  private boolean replay;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    try (Sealbuf store = client.connect();
        dev.sealbuf.client.Watch watch = store.watch(prefix, replay)) {
      for (Event event : watch) {
        out.println(line(event));
        out.flush();
        if (System.out.checkError()) { // its reader has gone, which `out` is not told
          return;
        }
      }
    }
  }

  private static String line(Event event) {
    return event.kind() == Event.Kind.OVERFLOW
        ? "overflow version=%d".formatted(event.version())
        : "%s version=%d nbytes=%d owner=%d name=%s"
            .formatted(event.word(), event.version(), event.nbytes(), event.owner(), event.name());
  }
}
