package dev.sealbuf.server.cli;

import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.client.SealedBuffer;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `sealbuf get`: from the shared pages straight to a file or standard output.
@Command(name = "get", description = "Write a buffer to standard output or a file.")
final class Get implements CliCommand {
  private static final Set<StandardOpenOption> OVERWRITE =
      Set.of(
          StandardOpenOption.CREATE,
          StandardOpenOption.TRUNCATE_EXISTING,
          StandardOpenOption.WRITE);

  @Mixin private ClientOptions client;

  @Parameters(paramLabel = "NAME", description = "The buffer's name.")
  private String name;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "The file to write; it is replaced.")
  private @Nullable Path output;

  @Option(
      names = "--timeout",
      paramLabel = "S",
      defaultValue = "0",
      converter = Seconds.class,
      description = "Wait so many seconds for it to be published.")
  private Duration timeout;

  @Override
  public void run() throws IOException {
    try (Sealbuf store = client.connect();
        SealedBuffer buffer = store.get(name, timeout);
        FileChannel out = open()) {
      Transfer.write(buffer.segment(), out);
    }
  }

  private FileChannel open() throws IOException {
    return output == null
        ? new FileOutputStream(FileDescriptor.out).getChannel()
        : FileChannel.open(output, OVERWRITE);
  }
}
