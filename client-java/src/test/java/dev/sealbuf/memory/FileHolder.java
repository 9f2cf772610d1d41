package dev.sealbuf.memory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;

/// Another process that maps a file and keeps it mapped until its standard input ends.
final class FileHolder {
  private FileHolder() {}

  /// Where another process of the same uid finds a file of this one.
  static String path(Fd file) {
    return "/proc/" + ProcessHandle.current().pid() + "/fd/" + file.number();
  }

  public static void main(String[] arguments) throws IOException {
    ByteBuffer mapping;
    try (FileChannel channel = FileChannel.open(Path.of(arguments[0]))) {
      mapping = channel.map(MapMode.READ_ONLY, 0, channel.size());
    }
    IO.println("mapped");
    int _ = System.in.read();
    IO.println("read " + mapping.get(0));
  }
}
