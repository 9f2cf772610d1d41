package dev.sealbuf.server.cli;

import dev.sealbuf.client.DisconnectedException;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealbufException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `sealbuf rm`. As with files: a name that cannot be deleted is reported, and the others are
/// deleted all the same.
@Command(name = "rm", description = "Delete buffers. Views of them stay valid.")
final class Rm implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ClientOptions client;

  @Parameters(arity = "1..*", paramLabel = "NAME", description = "The names to delete.")
  private List<String> names;

  @Override
  public Integer call() {
    int status = Failures.DONE;
    try (Sealbuf store = client.connect()) {
      for (String name : names) {
        try {
          store.delete(name);
        } catch (DisconnectedException e) {
          throw e;
        } catch (SealbufException e) {
          Failures.report(spec.commandLine().getErr(), e);
          status = Failures.REFUSED;
        }
      }
    }
    return status;
  }
}
