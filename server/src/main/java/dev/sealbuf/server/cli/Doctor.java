package dev.sealbuf.server.cli;

import dev.sealbuf.client.NoDaemonException;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealbufException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `sealbuf doctor`: what this host or container allows, mostly found out by trying, and what to
/// change. The checks are in [HostChecks], [LimitChecks] and [SurroundingsChecks].
@Command(
    name = "doctor",
    description = "Explain what this host or container allows, and what to change.")
final class Doctor implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ClientOptions client;

  @Option(names = "--json", description = "One JSON array of what was found.")
  private boolean json;

  @Override
  public Integer call() {
    List<Finding> findings = new ArrayList<>();
    findings.addAll(HostChecks.run());
    findings.addAll(LimitChecks.run());
    findings.addAll(SurroundingsChecks.run(client.path()));
    findings.add(daemon());
    spec.commandLine().getOut().print(json ? json(findings) : table(findings));
    spec.commandLine().getOut().flush();
    return findings.stream().anyMatch(Doctor::isFatal) ? Failures.REFUSED : Failures.DONE;
  }

  /// Without seals there is nothing that a daemon could do here.
  private static boolean isFatal(Finding finding) {
    return finding.subject().equals(HostChecks.SEALS) && !finding.isOk();
  }

  private static String json(List<Finding> findings) {
    return Json.text(findings.stream().map(Doctor::fields).toList());
  }

  private static Map<String, Object> fields(Finding finding) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("ok", finding.isOk());
    fields.put("subject", finding.subject());
    fields.put("fact", finding.fact());
    fields.put("advice", finding.advice());
    return fields;
  }

  private static String table(List<Finding> findings) {
    Table table = new Table("lll");
    for (Finding finding : findings) {
      table.row(finding.isOk() ? "ok" : "warn", finding.subject(), finding.fact());
      if (!finding.isOk()) {
        table.row("", "", "-> " + finding.advice());
      }
    }
    return table.toString();
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
