package dev.sealbuf.server.cli;

import dev.sealbuf.memory.Fd;
import dev.sealbuf.memory.HugePages;
import dev.sealbuf.memory.Memfd;
import dev.sealbuf.memory.PageSizes;
import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.memory.Pidfd;
import dev.sealbuf.memory.ProcessGuard;
import dev.sealbuf.memory.Seals;
import dev.sealbuf.server.config.ByteSize;
import dev.sealbuf.server.host.SystemFiles;
import dev.sealbuf.server.store.Gauges;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What the kernel can do, asked by doing it.
final class HostChecks {
  private static final Path RELEASE = Path.of("/proc/sys/kernel/osrelease");
  private static final Path SHMEM_ENABLED =
      Path.of("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
  private static final Path YAMA = Path.of("/proc/sys/kernel/yama/ptrace_scope");
  private static final Pattern VERSION = Pattern.compile("(\\d+)\\.(\\d+).*");
  private static final int KERNEL_MIN = version(5, 10);
  private static final int KERNEL_COLLAPSE = version(6, 1);

  /// What a daemon cannot do without.
  static final String SEALS = "seals";

  private HostChecks() {}

  static List<Finding> run() {
    return List.of(
        kernel(),
        seals(),
        noExecSeal(),
        hugePages(),
        holders(),
        clientsEnd(),
        dumpable(),
        yama(),
        userNamespace());
  }

  private static Finding kernel() {
    String release = SystemFiles.line(RELEASE).orElse("unknown");
    Matcher numbers = VERSION.matcher(release);
    int version =
        numbers.matches()
            ? version(Integer.parseInt(numbers.group(1)), Integer.parseInt(numbers.group(2)))
            : 0;
    if (version < KERNEL_MIN) {
      return Finding.warn("kernel", "Linux " + release, "Sealbuf needs Linux 5.10");
    }
    return version < KERNEL_COLLAPSE
        ? Finding.warn("kernel", "Linux " + release, "Linux 6.1 makes large buffers in huge pages")
        : Finding.ok("kernel", "Linux " + release);
  }

  private static Finding seals() {
    Seals all = Seals.of(Seals.WRITE, Seals.SHRINK, Seals.GROW, Seals.SEAL);
    try (Fd file = Memfd.create("doctor")) {
      Memfd.addSeals(file, all);
      return Finding.ok(SEALS, "memory files can be sealed: seals=" + Memfd.seals(file));
    } catch (IOException e) {
      return Finding.warn(
          SEALS, String.valueOf(e.getMessage()), "allow memfd_create and F_ADD_SEALS (seccomp?)");
    }
  }

  private static Finding noExecSeal() {
    try (Fd file = Memfd.create("doctor")) {
      return Memfd.seals(file).contains(Seals.EXEC)
          ? Finding.ok("noexec", "memory files are made with MFD_NOEXEC_SEAL")
          : Finding.warn(
              "noexec",
              "memory files are made executable and keep their mode unsealed",
              "Linux 6.3 has MFD_NOEXEC_SEAL; the bytes are as safe without it");
    } catch (IOException e) {
      return Finding.warn("noexec", String.valueOf(e.getMessage()), "see seals");
    }
  }

  private static Finding hugePages() {
    OptionalLong size = PageSizes.huge();
    if (size.isEmpty()) {
      return Finding.warn(
          "huge pages",
          "the kernel has none",
          "large buffers are made several times slower without transparent huge pages");
    }
    String fact =
        "size=%s shmem_enabled=%s"
            .formatted(
                ByteSize.human(size.getAsLong()),
                SystemFiles.line(SHMEM_ENABLED).map(HostChecks::chosen).orElse("unknown"));
    try (Fd file = Memfd.create("doctor")) {
      Memfd.resize(file, size.getAsLong());
      return HugePages.prepare(file, size.getAsLong()) == size.getAsLong()
          ? Finding.ok("huge pages", "MADV_COLLAPSE makes one: " + fact)
          : Finding.warn(
              "huge pages",
              "MADV_COLLAPSE makes none: " + fact,
              "needs Linux 6.1, free memory that is not fragmented, and shmem_enabled other than"
                  + " `deny` in /sys/kernel/mm/transparent_hugepage");
    } catch (IOException e) {
      return Finding.warn("huge pages", String.valueOf(e.getMessage()), "free some memory");
    }
  }

  private static Finding holders() {
    Gauges gauges = Gauges.test();
    String fact = "noticed by: " + gauges;
    return gauges.lease() && gauges.inotify()
        ? Finding.ok("holders", fact)
        : Finding.warn(
            "holders",
            fact,
            "memory of deleted buffers that is still in use may not be counted: allow fcntl"
                + " F_SETLEASE, and raise fs.inotify.max_user_instances and max_user_watches");
  }

  /// The one in brackets: `always [never] deny`.
  private static String chosen(String choices) {
    return choices.replaceFirst(".*\\[(.*)].*", "$1");
  }

  private static Finding clientsEnd() {
    try {
      Pidfd.own().close();
      return Finding.ok("clients", "the end of a client's process is noticed: pidfd_open");
    } catch (IOException e) {
      return Finding.warn(
          "clients",
          String.valueOf(e.getMessage()),
          "a session of a process that died ends when its forked children end, too: allow"
              + " pidfd_open (Linux 5.3; seccomp?)");
    }
  }

  private static Finding dumpable() {
    try {
      ProcessGuard.hide();
      return Finding.ok("dumpable", "a process can hide its memory from others of its uid");
    } catch (IOException e) {
      return Finding.warn(
          "dumpable",
          String.valueOf(e.getMessage()),
          "allow prctl(PR_SET_DUMPABLE), or give the daemon a uid of its own");
    }
  }

  private static Finding yama() {
    return SystemFiles.line(YAMA)
        .map(scope ->
            scope.equals("0")
                ? Finding.warn(
                    "ptrace",
                    "processes of one uid may trace each other: ptrace_scope=0",
                    "sysctl kernel.yama.ptrace_scope=1, or give the daemon a uid of its own")
                : Finding.ok("ptrace", "restricted: ptrace_scope=" + scope))
        .orElse(
            Finding.warn(
                "ptrace",
                "no Yama: processes of one uid may trace each other until one hides",
                "give the daemon a uid of its own"));
  }

  private static Finding userNamespace() {
    try {
      long own = PeerCredentials.ownUid();
      long overflow = PeerCredentials.overflowUid();
      return own == overflow
          ? Finding.warn(
              "uid",
              "this uid stands for all unmapped ones, and is never served: uid=" + own,
              "use another uid, or map this one into the user namespace")
          : Finding.ok("uid", "uid=%d overflow=%d".formatted(own, overflow));
    } catch (IOException e) {
      return Finding.warn("uid", String.valueOf(e.getMessage()), "mount /proc");
    }
  }

  private static int version(int major, int minor) {
    return major * 1000 + minor;
  }
}
