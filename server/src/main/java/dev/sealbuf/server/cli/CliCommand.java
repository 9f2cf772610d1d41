package dev.sealbuf.server.cli;

import java.util.concurrent.Callable;

/// A command that is done or fails. What it throws becomes its exit status and a line on standard
/// error, see [Failures].
interface CliCommand extends Callable<Integer> {
  void run() throws Exception;

  @Override
  default Integer call() throws Exception {
    run();
    return Failures.DONE;
  }
}
