package dev.sealbuf.server.cli;

import dev.sealbuf.memory.PeerCredentials;
import dev.sealbuf.server.host.SystemFiles;
import io.netty.channel.epoll.Epoll;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// What is around this process: a container, a user namespace, a filter of system calls, the folder
/// of the socket, and whether native code can be loaded.
final class SurroundingsChecks {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path UID_MAP = Path.of("/proc/self/uid_map");
  private static final String ALL_UIDS = "0 0 4294967295";

  /// What engines leave at the root of what they start, and Kubernetes in each of its containers.
  private static final List<Path> MARKS =
      List.of(
          Path.of("/.dockerenv"),
          Path.of("/run/.containerenv"),
          Path.of("/var/run/secrets/kubernetes.io"));

  private SurroundingsChecks() {}

  static List<Finding> run(Path socket) {
    return List.of(container(), userNamespace(), nativeCode(), folder(socket));
  }

  private static Finding container() {
    Optional<Path> mark = MARKS.stream().filter(Files::exists).findFirst();
    String fact =
        "seccomp=%s no_new_privs=%s capabilities=%s"
            .formatted(status("Seccomp"), status("NoNewPrivs"), status("CapEff"));
    return Finding.ok(
        "container", mark.map(path -> "in one, by " + path + ": ").orElse("none noticed: ") + fact);
  }

  /// A line of `/proc/self/status`.
  private static String status(String name) {
    Stream<String> lines = SystemFiles.lines(STATUS).stream();
    return lines
        .filter(line -> line.startsWith(name + ":"))
        .map(line -> line.substring(name.length() + 1).strip())
        .findFirst()
        .orElse("unknown");
  }

  private static Finding userNamespace() {
    String map =
        String.join(
            ", ",
            SystemFiles.lines(UID_MAP).stream()
                .map(line -> line.strip().replaceAll(" +", " "))
                .toList());
    return map.equals(ALL_UIDS)
        ? Finding.ok("namespace", "every uid is what it seems")
        : Finding.warn(
            "namespace",
            "in a user namespace, by /proc/self/uid_map: " + map,
            "a daemon here serves no uid from outside: each arrives as the overflow uid; run both"
                + " sides in here, or the daemon without userns-remap, PrivateUsers= or rootless"
                + " engine");
  }

  private static Finding nativeCode() {
    return Epoll.isAvailable()
        ? Finding.ok("native code", "Netty's library can be loaded")
        : Finding.warn(
            "native code",
            "Netty's library cannot be loaded: " + cause(),
            "mount the temporary folder without noexec, or name another with"
                + " SEALBUF_JAVA_OPTS=-Dio.netty.native.workdir=DIR; a launcher with the library"
                + " beside its jars needs neither");
  }

  private static String cause() {
    Throwable cause = Epoll.unavailabilityCause();
    return cause == null
        ? "no reason given"
        : String.valueOf(cause.getMessage()).lines().findFirst().orElse("");
  }

  private static Finding folder(Path socket) {
    Path folder = socket.toAbsolutePath().resolveSibling("");
    try {
      PosixFileAttributes attributes =
          Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      Set<PosixFilePermission> mode = attributes.permissions();
      String fact =
          "path=%s owner=%s group=%s mode=%s"
              .formatted(
                  folder,
                  attributes.owner().getName(),
                  attributes.group().getName(),
                  PosixFilePermissions.toString(mode));
      return mode.contains(PosixFilePermission.OTHERS_WRITE)
          ? Finding.warn(
              "socket folder",
              fact,
              "anybody can put another socket there: chmod o-w, and 0750 is enough for clients")
          : Finding.ok("socket folder", fact);
    } catch (IOException _) {
      return missing(folder);
    }
  }

  private static Finding missing(Path folder) {
    Path parent = folder.resolveSibling("");
    return Files.isWritable(parent)
        ? Finding.ok("socket folder", "none yet, a daemon of this uid makes it: path=" + folder)
        : Finding.warn(
            "socket folder",
            "there is none, and this uid cannot make it: path=%s uid=%d"
                .formatted(folder, PeerCredentials.ownUid()),
            "make it for the daemon and its clients: install -d -o DAEMON -g CLIENTS -m 0750 "
                + folder);
  }
}
