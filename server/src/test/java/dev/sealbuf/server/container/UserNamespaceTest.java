package dev.sealbuf.server.container;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sealbuf.client.Jvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Uids that are mapped: what an engine with userns-remap, a rootless one, or PrivateUsers= makes
/// of a container.
@NeedsEngine
final class UserNamespaceTest {
  private static final int UID = 21_001;
  private static final long PAUSE = 10_000_000;

  @BeforeAll
  static void needNamespaces() {
    assumeTrue(
        Command.of("setpriv", "--reuid=" + UID, "--clear-groups", "unshare", "--user", "true")
                .run()
                .status()
            == 0,
        "needs user namespaces for plain uids, which this machine does not allow");
  }

  @Test
  void aClientInAUserNamespaceIsWhoItIsOutside() {
    Path folder = SocketFolder.make();
    try (DaemonContainer daemon = new DaemonContainer(folder)) {
      daemon.start();
      Finished ping =
          Command.sealbufInUserNamespace(
                  UID, SocketFolder.GROUP, "ping", "--socket", "" + SocketFolder.socket(folder))
              .run();
      assertThat(ping.output()).contains(" answered in ");
      assertThat(ping.status()).isZero();
    }
  }

  /// There every uid but its own arrives as the overflow uid: who it is cannot be told any more.
  @Test
  void aDaemonInAUserNamespaceServesNoForeignUid() throws IOException {
    Path folder = Jvm.publicFolder();
    Files.setAttribute(folder, "unix:uid", UID);
    Path socket = folder.resolve("run").resolve("sealbuf.sock");
    Path log = folder.resolve("log");
    Process daemon =
        Command.sealbufInUserNamespace(UID, UID, "serve", "--socket", "" + socket).start(log);
    try {
      while (!Files.readString(log).contains(" serving on ")) {
        assertThat(daemon.isAlive()).as("%s", Files.readString(log)).isTrue();
        LockSupport.parkNanos(PAUSE);
      }
      Finished own = Command.sealbuf(UID, UID, "ping", "--socket", "" + socket).run();
      assertThat(own.output()).contains(" answered in ");
      Finished root =
          Command.of(
                  Jvm.command(dev.sealbuf.server.cli.Main.class, "ping", "--socket", "" + socket)
                      .toArray(String[]::new))
              .run();
      assertThat(root.output())
          .startsWith(
              "sealbuf: the uid that stands for all unmapped uids is served only where a namespace"
                  + " names it: uid=65534; run the client in the daemon's user namespace");
    } finally {
      daemon.destroyForcibly();
    }
  }
}
