package dev.sealbuf.server.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/// The `sealbuf` command. Each subcommand is a class of its own, named in one table here.
@Command(
    name = "sealbuf",
    description = "Immutable buffers shared between processes.",
    synopsisSubcommandLabel = "COMMAND",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
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
      Config.class,
      Version.class
    })
public final class Main {
  private Main() {}

  /// Runs the command line and ends the process with its exit status.
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main()).setExecutionExceptionHandler(new Failures());
  }
}
