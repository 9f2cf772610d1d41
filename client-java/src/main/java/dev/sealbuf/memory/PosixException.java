package dev.sealbuf.memory;

import java.io.IOException;

/// A system call that failed: which, with what arguments, and why.
///
/// The message reads `mmap(bytes=4096 prot=r offset=0): ENOMEM (12)`.
public final class PosixException extends IOException {
  private final int errno;

  PosixException(String call, String arguments, int errno) {
    super(call + "(" + arguments + "): " + Errno.name(errno) + " (" + errno + ")");
    this.errno = errno;
  }

  /// The error number, one of [Errno] where code is meant to tell it apart.
  public int errno() {
    return errno;
  }
}
