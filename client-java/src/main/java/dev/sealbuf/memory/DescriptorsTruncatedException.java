package dev.sealbuf.memory;

import java.io.IOException;

/// A message carried more descriptors than there was room for, or than this process may have open.
/// Those that came through are closed; which ones are missing cannot be known, so the stream is not
/// to be used further.
public final class DescriptorsTruncatedException extends IOException {
  DescriptorsTruncatedException(int room, int received) {
    super(
        "descriptors were lost, by lack of room or RLIMIT_NOFILE: room="
            + room
            + " received="
            + received);
  }
}
