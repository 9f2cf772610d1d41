package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// Opens the descriptors of one reply: all of them, or none.
final class FreshDescriptors {
  /// Opens one.
  @FunctionalInterface
  interface Opener {
    Fd open() throws IOException;
  }

  private FreshDescriptors() {}

  static List<Fd> open(Opener... openers) throws Refusal {
    return open(List.of(openers));
  }

  static List<Fd> open(List<Opener> openers) throws Refusal {
    List<Fd> opened = new ArrayList<>(openers.size());
    try {
      for (Opener opener : openers) {
        opened.add(opener.open());
      }
      return opened;
    } catch (IOException e) {
      opened.forEach(Fd::close);
      throw Refusal.shortage(e);
    }
  }
}
