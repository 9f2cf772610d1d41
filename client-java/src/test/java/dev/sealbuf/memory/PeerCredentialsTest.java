package dev.sealbuf.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sealbuf.testing.ChildJvm;
import dev.sealbuf.testing.LeakCheck;
import dev.sealbuf.testing.Libc;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(LeakCheck.class)
class PeerCredentialsTest {
  private static final long UID = 20003;
  private static final long GID = 20004;

  @TempDir Path folder;

  @Test
  void aPairOfSocketsIsOneself() throws IOException {
    int[] pair = Libc.socketPair();
    try (Fd left = Fd.adopt(pair[0]);
        Fd right = Fd.adopt(pair[1])) {
      PeerCredentials peer = PeerCredentials.of(left);
      assertThat(peer).isEqualTo(PeerCredentials.of(right));
      assertThat(peer.pid()).isEqualTo((int) ProcessHandle.current().pid());
      assertThat(peer.uid()).isEqualTo(PeerCredentials.ownUid());
      assertThat(peer.uid()).isEqualTo(Libc.call("geteuid"));
      assertThat(peer.gid()).isEqualTo(Libc.call("getegid"));
    }
  }

  /// More groups than the first guess has room for.
  @Test
  void anotherUidIsSeenWithAllItsGroups() throws IOException {
    assumeTrue(PeerCredentials.ownUid() == 0, "only root can start a process of another uid");
    assumeTrue(ChildJvm.isReadableByAll(), "another uid cannot read the classes");
    List<Long> groups = LongStream.range(30000, 30070).boxed().toList();
    String list = groups.stream().map(String::valueOf).collect(Collectors.joining(","));
    List<String> setpriv =
        List.of("setpriv", "--reuid=" + UID, "--regid=" + GID, "--groups=" + list);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    Path path = folder.resolve("socket");
    try (ChildJvm child = ChildJvm.start(setpriv, Listener.class, path.toString())) {
      assertThat(child.readLine()).isEqualTo("listening");
      try (UnixSocket socket = UnixSocket.connect(path, Deadline.after(Duration.ofSeconds(10)))) {
        assertThat(socket.peer())
            .isEqualTo(new PeerCredentials((int) child.pid(), UID, GID, groups));
      }
    }
  }

  /// Listens until its standard input ends. Who connects sees the credentials of the one who
  /// listens.
  static final class Listener {
    private Listener() {}

    public static void main(String[] arguments) throws IOException {
      try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(UnixDomainSocketAddress.of(arguments[0]));
        IO.println("listening");
        int _ = System.in.read();
      }
    }
  }

  @Test
  void whatIsNoSocketHasNoPeer() throws IOException {
    try (Fd file = Memfd.create("peer-test")) {
      assertThatThrownBy(() -> PeerCredentials.of(file))
          .isInstanceOf(PosixException.class)
          .hasMessage("getsockopt(option=SO_PEERCRED): ENOTSOCK (88)");
    }
  }

  @Test
  void theOverflowUidIsTheKernels() throws IOException {
    Process cat = new ProcessBuilder("cat", "/proc/sys/kernel/overflowuid").start();
    try (BufferedReader line = cat.inputReader()) {
      assertThat(PeerCredentials.overflowUid()).isEqualTo(Long.parseLong(line.readLine()));
    }
  }
}
