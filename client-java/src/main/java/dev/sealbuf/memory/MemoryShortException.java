package dev.sealbuf.memory;

import java.io.IOException;

/// The machine, or the memory cgroup of this process, has no memory left for what was asked.
public final class MemoryShortException extends IOException {
  MemoryShortException(PosixException cause) {
    super("no memory left: " + cause.getMessage(), cause);
  }
}
