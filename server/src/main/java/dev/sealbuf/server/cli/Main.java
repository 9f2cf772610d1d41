package dev.sealbuf.server.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ScopeType;

/// The `sealbuf` command. Each subcommand is a class of its own, named in one table here.
@Command(
    name = "sealbuf",
    description = "Immutable buffers shared between processes.",
    synopsisSubcommandLabel = "COMMAND",
    scope = ScopeType.INHERIT,
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
public final class Main {
  private static final List<Class<?>> COMMANDS =
      List.of(
          Serve.class,
          Put.class,
          Get.class,
          Ls.class,
          Rm.class,
          Stat.class,
          Holders.class,
          Watch.class,
          Ping.class,
          Doctor.class,
          Verify.class,
          Config.class,
          Version.class);

  private Main() {}

  /// Runs the command line and ends the process with its exit status.
  public static void main(String[] arguments) {
    System.exit(commandLine(arguments).execute(arguments));
  }

  /// Knows the command that the arguments begin with; all of them if that is none. Describing a
  /// command costs picocli more than running it.
  static CommandLine commandLine(String... arguments) {
    CommandLine line = new CommandLine(new Main()).setExecutionExceptionHandler(new Failures());
    List<Class<?>> asked =
        COMMANDS.stream()
            .filter(type -> arguments.length > 0 && nameOf(type).equals(arguments[0]))
            .toList();
    (asked.isEmpty() ? COMMANDS : asked).forEach(line::addSubcommand);
    return line;
  }

  private static String nameOf(Class<?> command) {
    return command.getAnnotation(Command.class).name();
  }
}
