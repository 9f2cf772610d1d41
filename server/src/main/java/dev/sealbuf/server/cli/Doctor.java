package dev.sealbuf.server.cli;

import dev.sealbuf.client.NoDaemonException;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealbufException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `sealbuf doctor`: what this host allows, mostly found out by trying, and what to change. The
/// checks are in [HostChecks] and [LimitChecks].
@Command(name = "doctor", description = "Explain what this host allows, and what to change.")
final class Doctor implements CliCommand {
  @Spec private CommandSpec spec;
  @Mixin private ClientOptions client;

  @Override
  public void run() {
    List<Finding> findings = new ArrayList<>();
    findings.addAll(HostChecks.run());
    findings.addAll(LimitChecks.run());
    findings.add(daemon());
    Table table = new Table("lll");
    for (Finding finding : findings) {
      table.row(finding.isOk() ? "ok" : "warn", finding.subject(), finding.fact());
      if (!finding.isOk()) {
        table.row("", "", "-> " + finding.advice());
      }
    }
    spec.commandLine().getOut().print(table);
    spec.commandLine().getOut().flush();
  }

  private Finding daemon() {
    String at = "socket=" + client.path();
    try (Sealbuf store = client.connect()) {
      return Finding.ok("daemon", "sealbuf " + store.server() + " answers: " + at);
    } catch (NoDaemonException _) {
      return Finding.warn(
          "daemon",
          "nobody answers: " + at,
          "start one with `sealbuf serve`, or name its --socket");
    } catch (SealbufException e) {
      return Finding.warn("daemon", at, String.valueOf(e.getMessage()));
    }
  }
}
