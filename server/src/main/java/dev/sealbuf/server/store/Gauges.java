package dev.sealbuf.server.store;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.Inotify;
import dev.sealbuf.memory.Lease;
import dev.sealbuf.memory.Memfd;
import java.io.IOException;

/// Which of the kernel's answers about holders can be relied on here, found out by asking about a
/// file whose holders are known: one that is held, and the same one when it is not.
///
/// Both work on any Linux since 5.10 for the owner of a memory file. A sandbox that stands in for
/// the kernel, or a limit on inotify watches, may take one away.
///
/// @param lease [Lease] tells whether somebody has a file
/// @param inotify [Inotify] tells when nobody has it any more
public record Gauges(boolean lease, boolean inotify) {
  /// Asks now.
  public static Gauges test() {
    return new Gauges(works(Gauges::leaseTells), works(Gauges::inotifyTells));
  }

  @FunctionalInterface
  private interface Trial {
    boolean succeeds() throws IOException;
  }

  private static boolean works(Trial trial) {
    try {
      return trial.succeeds();
    } catch (IOException _) {
      return false;
    }
  }

  private static boolean leaseTells() throws IOException {
    try (Fd file = file()) {
      try (Fd _ = Memfd.reopenReadOnly(file)) {
        if (Lease.probe(file) != Lease.Answer.HELD) {
          return false;
        }
      }
      return Lease.probe(file) == Lease.Answer.FREE;
    }
  }

  private static boolean inotifyTells() throws IOException {
    try (Inotify inotify = Inotify.open()) {
      try (Fd _ = watchedElsewhere(inotify)) {
        if (ends(inotify) != 0) {
          return false;
        }
      }
      return ends(inotify) == 1;
    }
  }

  /// The only descriptor of a file that was watched through another one.
  private static Fd watchedElsewhere(Inotify inotify) throws IOException {
    try (Fd file = file()) {
      inotify.watch(file);
      return Memfd.reopenReadOnly(file);
    }
  }

  private static int ends(Inotify inotify) throws IOException {
    int[] ends = new int[1];
    inotify.read(_ -> ends[0]++);
    return ends[0];
  }

  private static Fd file() throws IOException {
    try (Fd made = Memfd.create("sealbuf-gauge")) {
      return Memfd.reopenReadOnly(made);
    }
  }

  /// As `stat` says it.
  @Override
  public String toString() {
    if (lease) {
      return inotify ? "lease, inotify" : "lease";
    }
    return inotify ? "inotify" : "none";
  }
}
