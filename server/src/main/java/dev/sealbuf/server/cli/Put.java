package dev.sealbuf.server.cli;

import dev.sealbuf.client.BufferWriter;
import dev.sealbuf.client.Sealbuf;
import dev.sealbuf.protocol.Limits;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// `sealbuf put`. A large file is read straight into the segment where readers will find it.
/// Standard input and other streams are collected first, since a segment cannot grow; so are small
/// files, which share a slab.
@Command(name = "put", description = "Publish a file, or standard input.")
final class Put implements CliCommand {
  private static final String STANDARD_INPUT = "-";

  @Mixin private ClientOptions client;
  @Mixin private PublishOptions options;

  @Parameters(index = "0", paramLabel = "NAME", description = "The name to publish under.")
  private String name;

  @Parameters(
      index = "1",
      paramLabel = "FILE",
      arity = "0..1",
      defaultValue = STANDARD_INPUT,
      description = "The file; - or nothing is standard input.")
  private String file;

  @Override
  public void run() throws IOException {
    if (file.equals(STANDARD_INPUT)) {
      try (FileInputStream in = new FileInputStream(FileDescriptor.in)) {
        putStream(in.getChannel());
      }
      return;
    }
    Path path = Path.of(file);
    try (FileChannel in = FileChannel.open(path)) {
      if (Files.isRegularFile(path) && in.size() > Limits.PUT_MAX) {
        putFile(in);
      } else {
        putStream(in);
      }
    }
  }

  private void putFile(FileChannel in) throws IOException {
    try (Sealbuf store = client.connect();
        BufferWriter writer = store.create(name, in.size(), options.get())) {
      long bytes = Transfer.read(in, writer.segment());
      writer.seal(bytes).close();
    }
  }

  private void putStream(FileChannel in) throws IOException {
    try (Spool spool = new Spool()) {
      spool.read(in);
      try (Sealbuf store = client.connect()) {
        if (spool.bytes() <= Limits.PUT_MAX) {
          store.put(name, spool.firstPiece(), options.get());
        } else {
          putSpool(spool, store);
        }
      }
    }
  }

  private void putSpool(Spool spool, Sealbuf store) {
    try (BufferWriter writer = store.create(name, spool.bytes(), options.get())) {
      spool.copyTo(writer.segment());
      writer.seal().close();
    }
  }
}
