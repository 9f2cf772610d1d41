package dev.sealbuf.server.cli;

import picocli.CommandLine.Command;

/// `sealbuf config`.
@Command(
    name = "config",
    description = "Look at configurations.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = ConfigCheck.class)
final class Config {}
