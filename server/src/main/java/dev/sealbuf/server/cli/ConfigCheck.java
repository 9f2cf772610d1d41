package dev.sealbuf.server.cli;

import dev.sealbuf.server.config.Configuration;
import dev.sealbuf.server.config.Given;
import dev.sealbuf.server.config.InvalidConfigurationException;
import dev.sealbuf.server.config.Key;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `sealbuf config check`: what a daemon would be told by this file and this environment, and who
/// says so; or everything that is wrong, and exit status 1.
@Command(name = "check", description = "Check a configuration, and show what it comes to.")
final class ConfigCheck implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "FILE",
      arity = "0..1",
      description = "The configuration; otherwise $$SEALBUF_CONFIG, otherwise the defaults.")
  private @Nullable Path file;

  @Override
  public Integer call() {
    try {
      Configuration configuration =
          Configuration.load(Optional.ofNullable(file), System.getenv(), List.of());
      Table table = new Table("lll");
      for (Key key : configuration.keys()) {
        Given given = configuration.given(key);
        table.row(key.path(), given.text(), given.from());
      }
      spec.commandLine().getOut().print(table);
      spec.commandLine().getOut().flush();
      return Failures.DONE;
    } catch (InvalidConfigurationException e) {
      e.problems().forEach(spec.commandLine().getErr()::println);
      spec.commandLine().getErr().flush();
      return Failures.REFUSED;
    }
  }
}
