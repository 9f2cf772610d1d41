package dev.sealbuf.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/// The page sizes of this machine: 4 KiB and 2 MiB on x86-64; on aarch64 the kernel's builder
/// chose.
public final class PageSizes {
  private static final Path HUGE_SIZE =
      Path.of("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");

  private static final long BASE = Posix.sysconf(Linux.SC_PAGESIZE);
  private static final OptionalLong HUGE = readHuge();

  private PageSizes() {}

  /// The size of an ordinary page.
  public static long base() {
    return BASE;
  }

  /// The size of a huge page; empty when the kernel has none.
  public static OptionalLong huge() {
    return HUGE;
  }

  /// `bytes`, rounded up to whole pages.
  public static long roundUp(long bytes) {
    return Math.addExact(bytes, BASE - 1) & -BASE;
  }

  private static OptionalLong readHuge() {
    try {
      return OptionalLong.of(Long.parseLong(Files.readString(HUGE_SIZE).strip()));
    } catch (IOException | NumberFormatException _) {
      return OptionalLong.empty();
    }
  }
}
