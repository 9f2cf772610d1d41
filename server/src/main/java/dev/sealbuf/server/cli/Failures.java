package dev.sealbuf.server.cli;

import dev.sealbuf.client.DisconnectedException;
import dev.sealbuf.client.SealbufException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/// Exceptions as users see them: one line on standard error, and the exit status.
final class Failures implements IExecutionExceptionHandler {
  static final int DONE = 0;
  static final int REFUSED = 1;
  static final int USAGE = 2;
  static final int NO_DAEMON = 3;

  @Override
  public int handleExecutionException(Exception failure, CommandLine command, ParseResult arguments)
      throws Exception {
    if (!(failure instanceof SealbufException || failure instanceof IOException)) {
      throw failure;
    }
    report(command.getErr(), failure);
    return failure instanceof DisconnectedException ? NO_DAEMON : REFUSED;
  }

  static void report(PrintWriter err, Exception failure) {
    err.println("sealbuf: " + sentence(failure));
    err.flush();
  }

  private static String sentence(Exception failure) {
    return switch (failure) {
      case NoSuchFileException e -> "no such file: path=" + e.getFile();
      case AccessDeniedException e -> "no permission: path=" + e.getFile();
      case FileSystemException e -> "%s: path=%s".formatted(e.getReason(), e.getFile());
      default -> String.valueOf(failure.getMessage());
    };
  }
}
